/** Two or three processes over a link, out of what a link has to bring: a way to dial a listener. */
import { expect } from "vitest";
import type { Listener, Peer } from "../../src/index.js";
import { type Home, type Place, present, take, turn, type World, worldOf } from "./support.js";

/** Sessions from `count` dialers to one listener: all that a new link has to bring. */
export interface Linked {
  readonly dialers: readonly Peer[];
  /** What the listener knows the dialers as, in the same order. */
  readonly accepted: readonly Peer[];
  settle(): Promise<void>;
  /** Ends the sessions and checks that the listener is empty. */
  dispose(): Promise<void>;
}

/** Two processes over a link: S dials R; with the home at a third, both dial it. */
export async function overLink(connect: (count: number) => Promise<Linked>, home: Home): Promise<World> {
  const third = home === "third";
  const { dialers, accepted, settle, dispose } = await connect(third ? 2 : 1);
  // One row for each session: the process that dialed, the process that listened.
  const sessions: readonly (readonly [Place, Place])[] = third
    ? [
        ["S", "H"],
        ["R", "H"],
      ]
    : [["S", "R"]];
  const peer = (at: Place, of: Place): Peer | undefined => {
    const row = sessions.findIndex((places) => places.includes(at) && places.includes(of));
    return sessions[row]?.[0] === at ? dialers[row] : accepted[row];
  };
  async function hand<V>(value: V, from: Place, to: Place): Promise<V> {
    if (from === to) return value;
    if (peer(from, to) === undefined) return hand(await hand(value, from, "H"), "H", to);
    const [received] = await Promise.all([present(peer(to, from)).receive(), present(peer(from, to)).send(value)]);
    return received.value;
  }
  const settleAndDispose = async () => {
    await settle();
    await dispose();
  };
  return worldOf({ places: third ? ["S", "R", "H"] : ["S", "R"], hand, peer, settle, dispose: settleAndDispose }, home);
}

/** Trips that a chain of causes may need: an operation to its home through a relay, an offer, its answer, the verdict, each both ways. */
const trips = 6;

/**
 * Dials the listener `count` times.
 * @param settle - lets everything happen that can happen; by default pings, each of which travels behind every earlier frame of its link,
 *   so that what was under way has arrived when it is back
 */
export async function dialed(
  count: number,
  listener: Listener,
  dialOne: () => Promise<Peer>,
  settle?: () => Promise<void>,
): Promise<Linked> {
  const dialers: Peer[] = [];
  const accepted: Peer[] = [];
  for (let index = 0; index < count; index++) {
    dialers.push(await dialOne());
    accepted.push(await take(listener.peers));
  }
  const settleByPings = async () => {
    for (let trip = 0; trip < trips; trip++) {
      await turn();
      await Promise.all([...dialers, ...accepted].map((peer) => peer.ping()));
    }
    await turn();
  };
  const dispose = async () => {
    await endSessions({ dialers, accepted });
    expect(listener.connected.size).toBe(0);
    await listener.close({ drainMs: 0 });
  };
  return { dialers, accepted, settle: settle ?? settleByPings, dispose };
}

/** Ends the sessions at once from the dialers' side and checks what every peer says of it. */
export async function endSessions({ dialers, accepted }: Pick<Linked, "dialers" | "accepted">): Promise<void> {
  await Promise.all(dialers.map((peer) => peer.close({ drainMs: 0 })));
  const ends = await Promise.all([...dialers, ...accepted].map((peer) => peer.ended));
  expect(ends.map((end) => end.reason)).toEqual(ends.map(() => "closed"));
}
