/** Three processes in a row, each a peer of its neighbour: a home, a relay that dials it, and a user that dials the relay. */
import { dial, type Limits, type Peer } from "../../src/node.js";
import { memoryNetwork } from "../../src/testing.js";
import { sizeOf, watched } from "./watched-link.js";

type Any = Peer<unknown, unknown>;

export interface InARow {
  readonly home?: Partial<Limits>;
  /** Of the relay, for the user's session. */
  readonly relay?: Partial<Limits>;
  readonly user?: Partial<Limits>;
  readonly seed?: number;
  readonly delayMs?: readonly [number, number];
}

export async function threeProcesses({ home = {}, relay = {}, user = {}, seed = 1, delayMs = [0, 0] }: InARow = {}) {
  const network = memoryNetwork({ seed, delayMs });
  /** Time passes until it is there. */
  const arrived = async <T>(arriving: Promise<T>): Promise<T> => {
    let pending = true;
    const over = (): void => {
      pending = false;
    };
    arriving.then(over, over);
    for (let waited = 0; pending && waited < 10_000; waited++) await network.advance(1);
    if (pending) throw new Error("nothing has arrived in 10 s");
    return arriving;
  };
  const [homeListens, relayListens] = [
    network.listen<unknown, unknown>({ limits: home }),
    network.listen<unknown, unknown>({ limits: relay }),
  ];
  /** The longest batch that the home was sent, in bytes. */
  const seen = { longest: 0 };
  const toHomeAddress = network.address((link) =>
    homeListens.accept(
      watched(link, (batch) => {
        seen.longest = Math.max(seen.longest, sizeOf(batch));
      }),
    ),
  );
  const relayToHome: Any = await arrived(dial<unknown, unknown>(toHomeAddress));
  const homeToRelay = (await arrived(homeListens.peers())).value as Any;
  const userToRelay: Any = await arrived(dial<unknown, unknown>(network.address(relayListens.accept), { limits: user }));
  const relayToUser = (await arrived(relayListens.peers())).value as Any;
  const peers = { homeToRelay, relayToHome, relayToUser, userToRelay };

  /** A value goes over the pair of a session. @returns what arrives */
  const hand = async <T>(from: Any, to: Any, value: T): Promise<T> => {
    const sent = from.send(value);
    const received = (await arrived(to.receive())) as { readonly value: T };
    await arrived(sent);
    return received.value;
  };
  const toRelay = <T>(value: T): Promise<T> => hand(homeToRelay, relayToHome, value);
  const toUser = <T>(value: T): Promise<T> => hand(relayToUser, userToRelay, value);
  /** A value of the home goes over the relay to the user. @returns what arrives */
  const carry = async <T>(value: T): Promise<T> => toUser(await toRelay(value));

  /** The sessions that are not what they were, and why. */
  const broken = (): readonly string[] =>
    Object.entries(peers).flatMap(([name, { status }]) => (status.state === "connected" ? [] : [`${name}: ${why(status)}`]));
  return { network, ...peers, arrived, hand, toRelay, toUser, carry, broken, seen };
}

function why(status: Any["status"]): string {
  return status.state === "ended" ? (status.end.error?.message ?? status.end.reason) : status.state;
}

/** What became of an operation so far. */
export interface Became {
  /** "nothing" yet, "done", or the code (else the name) of its error. */
  what: string;
}
export function watch(operation: Promise<unknown>): Became {
  const became: Became = { what: "nothing" };
  operation.then(
    () => {
      became.what = "done";
    },
    (error: { readonly code?: unknown; readonly name: string }) => {
      became.what = typeof error.code === "string" ? error.code : error.name;
    },
  );
  return became;
}

/** What keeps the ends of a kind that are held across a session. */
export function keptBy(peer: Any, kind: "send" | "receive"): readonly string[] {
  return peer.stats().holds.flatMap((hold) => (hold.kind === kind ? [hold.by] : []));
}
