/** A relay of this package between a home and a user, one of which the test writes by hand. */
import { dial, type Limits, type Peer, type ReceiveChannel, type SendChannel } from "../../src/node.js";
import { type MemoryNetwork, memoryNetwork } from "../../src/testing.js";
import { limits, RawPeer } from "../hostile/raw-peer.js";

type Any = Peer<unknown, unknown>;
export type Frame = readonly unknown[];

/** The fields of a value that is a list of ends: JSON, annotations, references, lengths. */
export function endsIn(...refs: readonly Frame[]): readonly [readonly number[], object, readonly Frame[], readonly number[]] {
  const indexes = refs.map((_, index) => index);
  return [indexes, { values: Object.fromEntries(indexes.map((index) => [index, [["custom", "netchan/end"]]])), v: 1 }, refs, []];
}

/** A listener, and a link to it over which a peer by hand was admitted. */
async function admitted(network: MemoryNetwork, options: { readonly limits?: Partial<Limits> }) {
  const listener = network.listen<unknown, unknown>(options);
  const raw = new RawPeer(await network.address(listener.accept)({ signal: new AbortController().signal }));
  raw.control(["hello", { version: 1, limits, credentials: null }]);
  await network.settle();
  raw.say(["ready"]);
  const peer = (await listener.peers()).value as Any;
  /** Says it, and waits for what comes of that. */
  const say = async (...frames: readonly Frame[]): Promise<void> => {
    raw.say(...frames);
    await network.settle();
  };
  /** The latest frame of a type that it heard, without its number and type. */
  const heard = (type: string): Frame => raw.heard.findLast((frame) => frame[1] === type)?.slice(2) ?? [];
  return { listener, raw, peer, say, heard };
}

interface Handing {
  readonly kind?: "send" | "receive";
  readonly capacity?: number;
  readonly relay?: Partial<Limits>;
  readonly user?: Partial<Limits>;
}

/** The home is by hand: its end 5 goes over the relay to a user of this package. The relay's fork of it is `fork`. */
export async function homeByHand({ kind = "send", capacity = 0, relay = {}, user = {} }: Handing = {}) {
  const network = memoryNetwork();
  const { listener, raw, peer: relayToHome, say, heard } = await admitted(network, { limits: relay });
  const userToRelay: Any = await dial<unknown, unknown>(network.address(listener.accept), { limits: user });
  const relayToUser = (await listener.peers()).value as Any;
  await say(["send", 1, 1, 9, ...endsIn([0, 5, kind === "send" ? 0 : 1, capacity])]);
  void relayToUser.send((await relayToHome.receive()).value);
  const [end] = (await userToRelay.receive()).value as readonly [unknown];
  await network.settle();
  const fork = heard("fork")[1];
  /** State of the sessions: the relay's with the home and with the user, and the user's. */
  const states = () => [relayToHome, relayToUser, userToRelay].map(({ status }) => status.state);
  return {
    network,
    raw,
    say,
    heard,
    fork,
    relayToHome,
    relayToUser,
    userToRelay,
    send: end as SendChannel<unknown>,
    receive: end as ReceiveChannel<unknown>,
    states,
  };
}

interface Carrying {
  readonly home?: { readonly limits?: Partial<Limits>; readonly superjson?: object };
  readonly relay?: Partial<Limits>;
}

/** The user is by hand: the end goes to it from a home of this package over the relay. The user calls it `end`. */
export async function userByHand(given: SendChannel<unknown> | ReceiveChannel<unknown>, { home = {}, relay = {} }: Carrying = {}) {
  const network = memoryNetwork();
  const homeListens = network.listen<unknown, unknown>(home);
  const relayToHome: Any = await dial<unknown, unknown>(network.address(homeListens.accept));
  const homeToRelay = (await homeListens.peers()).value as Any;
  const { raw, peer: relayToUser, say, heard } = await admitted(network, { limits: relay });
  let carried = 0;
  /** Something of the relay goes to the user. @returns what the user calls its ends */
  const carry = async (value: unknown): Promise<readonly number[]> => {
    raw.say(["limit", 2, ++carried]);
    void relayToUser.send(value);
    await network.settle();
    const refs = heard("offer")[6] as readonly (readonly number[])[];
    await say(["take", 2, carried]);
    return refs.map((ref) => ref[1] as number);
  };
  void homeToRelay.send([given]);
  const [end = 0] = await carry((await relayToHome.receive()).value);
  /** State of the sessions: the home's, and the relay's with the home and with the user. */
  const states = () => [homeToRelay, relayToHome, relayToUser].map(({ status }) => status.state);
  return { network, raw, say, heard, end, carry, homeToRelay, relayToHome, relayToUser, states };
}
