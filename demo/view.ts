/** What the tab shows. Knows the page's elements and nothing of channels; no text that came from elsewhere becomes markup. */
import type { Progress, Range, TabState } from "./messages.js";
import { knownCounts } from "./primes.js";

const text = new Intl.NumberFormat("en").format;
const percent = new Intl.NumberFormat("en", { style: "percent" }).format;
/** As many colours as style.css has for tabs; after that they repeat. */
const colours = 6;

const elements = {
  status: find("status"),
  primes: find("primes"),
  limit: find("limit"),
  verdict: find("verdict"),
  progress: find("progress", HTMLProgressElement),
  done: find("done"),
  total: find("total"),
  tabs: find("tabs"),
  cells: find("cells"),
  you: find("you"),
  holding: find("holding"),
  yours: find("yours"),
  share: find("share"),
  pause: find("pause", HTMLButtonElement),
  again: find("again", HTMLButtonElement),
  rows: find("rows"),
};

let held: Range | undefined;
let paused = false;
let latest: Progress | undefined;
/** The cell of the range in hand. */
let ringed: Element | undefined;

export function onPause(act: () => void): void {
  elements.pause.addEventListener("click", act);
}
export function onAgain(act: () => void): void {
  elements.again.addEventListener("click", act);
}

export function showStatus(status: "Connected" | "Connecting …"): void {
  say(elements.status, status);
  elements.status.dataset.state = status === "Connected" ? "connected" : "connecting";
}

export function showPaused(isPaused: boolean): void {
  paused = isPaused;
  say(elements.pause, paused ? "Resume" : "Pause");
  showHand();
}

/** The range that this tab has in hand now, if any. */
export function showHolding(range: Range | undefined): void {
  held = range;
  showHand();
}

export function showProgress(progress: Progress): void {
  latest = progress;
  const { limit, primes, owners, tabs, you } = progress;
  const total = owners.length;
  const done = owners.reduce((sum, owner) => sum + Math.sign(owner), 0);
  const connected = tabs.filter((tab) => tab.connected).length;
  const yours = tabs.find((tab) => tab.number === you)?.done ?? 0;

  say(elements.limit, text(limit));
  say(elements.primes, text(primes));
  say(elements.done, text(done));
  say(elements.total, text(total));
  elements.progress.max = total;
  elements.progress.value = done;
  say(elements.tabs, `${text(connected)} ${connected === 1 ? "tab" : "tabs"}`);
  say(elements.you, `This is tab ${text(you)}`);
  elements.you.dataset.colour = colourOf(you);
  say(elements.yours, text(yours));
  say(elements.share, done === 0 ? "–" : percent(yours / done));
  say(elements.verdict, done < total ? "" : verdictOn(limit, primes));
  elements.again.disabled = done < total;
  showCells(owners);
  showRows(tabs, you, done);
  showHand();
}

function verdictOn(limit: number, primes: number): string {
  const known = knownCounts.get(limit);
  if (known === undefined) return "Complete; no published count to compare";
  return known === primes ? `✓ π(${text(limit)}), as published` : `✗ π(${text(limit)}) is ${text(known)}`;
}

function showHand(): void {
  const complete = latest !== undefined && !latest.owners.includes(0);
  if (held !== undefined) say(elements.holding, `${text(held.from)} – ${text(held.to - 1)}`);
  else if (paused) say(elements.holding, "nothing: paused");
  else say(elements.holding, complete ? "nothing: all is counted" : "nothing: asking");
  const index = held === undefined || latest === undefined ? -1 : Math.round((held.from / latest.limit) * latest.owners.length);
  const cell = elements.cells.children[index];
  if (cell === ringed) return;
  ringed?.removeAttribute("data-held");
  cell?.setAttribute("data-held", "");
  ringed = cell;
}

/** One cell for each range, in the colour of the tab that counted it. */
function showCells(owners: Uint16Array): void {
  const { cells } = elements;
  while (cells.children.length > owners.length) cells.lastElementChild?.remove();
  while (cells.children.length < owners.length) cells.append(document.createElement("i"));
  owners.forEach((owner, index) => {
    const cell = cells.children[index];
    if (cell instanceof HTMLElement && cell.dataset.colour !== colourOf(owner)) cell.dataset.colour = colourOf(owner);
  });
}

function showRows(tabs: readonly TabState[], you: number, done: number): void {
  const { rows } = elements;
  while (rows.children.length > tabs.length) rows.lastElementChild?.remove();
  while (rows.children.length < tabs.length) rows.append(newRow());
  tabs.forEach(({ number, done: ranges, connected }, index) => {
    const row = rows.children[index];
    if (!(row instanceof HTMLElement)) return;
    const [name, count, share] = row.children;
    row.dataset.colour = colourOf(number);
    row.dataset.connected = String(connected);
    if (name !== undefined) say(name, `Tab ${text(number)}${number === you ? ", this one" : ""}${connected ? "" : ", closed"}`);
    if (count !== undefined) say(count, text(ranges));
    if (share !== undefined) say(share, done === 0 ? "–" : percent(ranges / done));
  });
}

function newRow(): HTMLElement {
  const row = document.createElement("tr");
  const name = document.createElement("th");
  name.scope = "row";
  row.append(name, document.createElement("td"), document.createElement("td"));
  row.dataset.testid = "row";
  return row;
}

/** "0" for nobody. */
function colourOf(number: number): string {
  return number === 0 ? "0" : String(((number - 1) % colours) + 1);
}

/** Changes text only where it differs, so that a screen reader hears of changes alone. */
function say(element: Element, content: string): void {
  if (element.textContent !== content) element.textContent = content;
}

function find(id: string): HTMLElement;
function find<T extends HTMLElement>(id: string, kind: new () => T): T;
function find(id: string, kind: new () => HTMLElement = HTMLElement): HTMLElement {
  const element = document.querySelector(`[data-testid="${id}"]`);
  if (!(element instanceof kind)) throw new TypeError(`The page has no ${kind.name} "${id}"`);
  return element;
}
