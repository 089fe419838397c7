/** First words and their answers, mutated: who says them is admitted or shown the door, in time, and nobody else notices. */
import { NetchanError } from "../../src/errors.js";
import { type DialOptions, dial, type Link, type ListenOptions } from "../../src/node.js";
import type { SessionPeer } from "../../src/peer.js";
import { memoryNetwork } from "../../src/testing.js";
import { type Dice, greeting } from "./fuzz-mutate.js";
import { type Laws, type Tally, within } from "./fuzz-replay.js";
import { limits, RawPeer, welcome } from "./raw-peer.js";

const hex = (dice: Dice, digits: number): string => Array.from({ length: digits }, () => dice.below(16).toString(16)).join("");
const secret = "a secret that both sides share";
const linksOfOne = 12;
/** Longer than anybody waits for a word of a handshake. */
const patienceMs = 10_001;

function firstWord(dice: Dice, sessions: readonly Readonly<Record<string, unknown>>[]): readonly unknown[] {
  const key = dice.chance(0.4) ? { key: { nonce: hex(dice, 64), host: dice.pick(["", "example.org", "example.org:81"]) } } : {};
  const position = { next: 1, first: 1, epoch: 1 + dice.below(3) };
  return dice.weighted<() => readonly unknown[]>([
    [
      5,
      () => ["hello", { version: 1, limits, credentials: dice.pick<unknown>([null, "me", { a: [1] }]), resumes: dice.chance(0.5), ...key }],
    ],
    [4, () => ["resume", { version: 1, credentials: null, ...dice.pick([welcome, ...sessions]), ...position, ...key }]],
    [1, () => ["proof", hex(dice, 64)]],
    [
      1,
      () =>
        dice.pick<readonly unknown[]>([
          ["ack", 0],
          ["ping", 1],
          [1, "ready"],
          ["end", "SESSION_CLOSED", ""],
          ["welcome", welcome],
        ]),
    ],
  ])();
}

/** Strangers at one listener, some of whom are let in. @returns what must not be */
async function strangers(dice: Dice, tally: Tally, laws: Laws): Promise<readonly string[]> {
  const faults: string[] = [];
  const network = memoryNetwork();
  const key: ListenOptions & DialOptions = dice.chance(0.4) ? { key: secret } : {};
  const listener = network.listen<unknown, unknown>(key);
  const here = await within(network, "the innocent peer", dial<unknown, unknown>(network.address(listener.accept), key));
  const there = (await within(network, "the innocent peer", listener.peers())).value as typeof here;
  const links: RawPeer[] = [];
  const known: Readonly<Record<string, unknown>>[] = [];
  for (let count = 0; count < linksOfOne; count++) {
    const raw = new RawPeer(await network.address(listener.accept)({ signal: new AbortController().signal }));
    links.push(raw);
    raw.raw(greeting(firstWord(dice, known), dice));
    if (dice.chance(0.9)) await network.settle();
    if (raw.find("challenge") !== undefined || dice.chance(0.1)) raw.raw(greeting(["proof", hex(dice, 64)], dice));
    await network.settle();
    tally.frames += 2;
    const [welcomed] = (raw.find("welcome") ?? []) as readonly [Readonly<Record<string, unknown>>?];
    if (welcomed !== undefined) known.push(welcomed);
    if (welcomed !== undefined && dice.chance(0.5)) raw.raw(`[["ack",0],[1,"ready"]]`);
    if (dice.chance(0.2)) raw.link.close();
  }
  await network.settle();
  await network.advance(patienceMs);
  const lefts = links.filter((raw) => !raw.closed && raw.find("welcome") === undefined && raw.find("resumed") === undefined);
  if (lefts.length > 0) faults.push(`${lefts.length} links are open whose other side was never admitted`);
  if (key.key !== undefined && links.some((raw) => raw.find("welcome") !== undefined)) faults.push("somebody was admitted without the key");
  const sent = within(network, "the innocent peer", here.send("ping"));
  const got = await within(network, "the innocent peer", there.receive());
  await sent;
  if (got.value !== "ping") faults.push("the innocent peer's value is another");
  const peers = [...listener.connected] as unknown as SessionPeer[];
  for (const peer of peers) peer.abort();
  await network.settle();
  for (const { exchange, session } of peers) {
    const { waitingBytes: _, ...tables } = exchange.stats;
    for (const [name, left] of Object.entries({ ...tables, ...session.stats })) if (left !== 0) faults.push(`${left} ${name} are left`);
  }
  await within(network, "closing the listener", listener.close({ drainMs: 0 }));
  return [...faults, ...laws.prototypes(), ...laws.strays()];
}

/** A dialer of this package whom something else answers. */
async function answered(dice: Dice, tally: Tally, laws: Laws): Promise<readonly string[]> {
  const faults: string[] = [];
  const network = memoryNetwork();
  const links: RawPeer[] = [];
  const key: DialOptions = dice.chance(0.4) ? { key: secret } : {};
  const dialing = dial<unknown, unknown>(
    network.address((link: Link) => void links.push(new RawPeer(link))),
    key,
  );
  dialing.catch(() => undefined); // looked at when the time is over
  await network.settle();
  const challenge = ["challenge", { listener: welcome.listener, nonce: hex(dice, 64) }];
  const others: readonly (readonly unknown[])[] = [
    ["refused", "SESSION_REFUSED", "no"],
    ["end", "LIMIT_EXCEEDED", ""],
    ["wrong-door"],
    ["resumed", { token: welcome.token, next: 1, first: 1 }],
  ];
  if (key.key === undefined ? dice.chance(0.1) : dice.chance(0.8)) links[0]?.raw(greeting(challenge, dice));
  await network.settle();
  const proof = dice.chance(0.3) ? { proof: hex(dice, 64) } : {};
  links[0]?.raw(greeting(dice.chance(0.8) ? ["welcome", { ...welcome, ...proof }] : dice.pick(others), dice));
  await network.settle();
  tally.frames += 2;
  if (dice.chance(0.2)) links[0]?.link.close();
  await network.advance(patienceMs);
  try {
    const peer = await within(network, "dialing", dialing);
    if (key.key !== undefined) faults.push("somebody was believed who does not know the key");
    const operations = [peer.send(1), peer.receive()].map((one) => one.catch(() => undefined));
    peer.abort();
    await within(network, "an operation", Promise.all(operations));
  } catch (error) {
    if (!NetchanError.is(error)) faults.push(error instanceof Error ? (error.stack ?? String(error)) : String(error));
  }
  await network.settle();
  if (links.some(({ closed }) => !closed)) faults.push("a link is open that nobody needs");
  return [...faults, ...laws.prototypes(), ...laws.strays()];
}

export function handshake(dice: Dice, tally: Tally, laws: Laws): Promise<readonly string[]> {
  tally.sessions++;
  return (dice.chance(0.4) ? strangers : answered)(dice, tally, laws);
}
