/** The tab: takes part in the job for as long as the page is open, over one session after the other, and shows how it goes. */
import { chan, NetchanError, type Peer, type ReceiveChannel, sessions } from "netchan";
import { countInWorker } from "./counter.js";
import type { FromTab, Progress, Range, Task } from "./messages.js";
import { Pause } from "./pause.js";
import * as view from "./view.js";

type Server = Peer<Task, FromTab>;

const address = new URL("/channel", location.href);
address.protocol = location.protocol === "https:" ? "wss:" : "ws:";

const pause = new Pause();
let server: Server | undefined;

view.onPause(() => {
  if (pause.paused) pause.resume();
  else pause.pause();
  view.showPaused(pause.paused);
});
view.onAgain(() => void server?.send({ kind: "again" }));
addEventListener("pagehide", () => server?.abort()); // Says goodbye, so that what is in hand goes to another tab at once.

for await (const session of sessions<Task, FromTab>(address, { reconnect: { maxMs: 2_000 } })) {
  server = session;
  try {
    await takePart(session);
  } catch (error) {
    if (!NetchanError.is(error)) throw error; // Else the session is over: the next one follows.
  }
  view.showHolding(undefined);
}

/** Until the session ends. */
async function takePart(peer: Server): Promise<void> {
  void showStatuses(peer);
  const progress = chan<Progress>();
  void showProgress(progress.receive);
  await peer.send({ kind: "join", progress: progress.send });
  while (peer.status.state !== "ended") {
    await work(peer, pause.running);
    await Promise.race([pause.resumed(), peer.ended]);
  }
}

// #region shown
/** Asks for a range, counts, answers, asks again. A paused tab does not ask, so nothing waits for it. */
async function work({ id, receive }: Server, running: AbortSignal): Promise<void> {
  for await (const { from, to, reply } of receive.values({ signal: running })) {
    const primes = await count({ from, to });
    await reply({ primes, by: id }); // Settles when the server has it.
  }
}
// #endregion

async function count(range: Range): Promise<number> {
  view.showHolding(range);
  const primes = await countInWorker(range);
  view.showHolding(undefined);
  return primes;
}

async function showProgress(progress: ReceiveChannel<Progress>): Promise<void> {
  try {
    for await (const state of progress) view.showProgress(state);
  } catch (error) {
    if (!NetchanError.is(error)) throw error; // The session is over.
  }
}

async function showStatuses(peer: Server): Promise<void> {
  for await (const { state } of peer.statuses()) view.showStatus(state === "connected" ? "Connected" : "Connecting …");
}
