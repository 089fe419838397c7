/** What a hostile peer does in a scene, and what has to come of it. */
import { chan } from "../../src/node.js";
import type { RawPeer, Scene } from "./raw-peer.js";

/** "closed": when it has waited long enough for an acknowledgement; "closed at once": it was acknowledged. */
export type Expected = "PROTOCOL_VIOLATION" | "LIMIT_EXCEEDED" | "lives" | "closed" | "closed at once";
export type Act = (scene: Scene) => unknown;
export type Row = readonly [name: string, act: Act, expected: Expected];

export const violation = "PROTOCOL_VIOLATION";
export const limit = "LIMIT_EXCEEDED";

/** Batches as they are. */
export const raw =
  (...batches: readonly (string | Uint8Array)[]): Act =>
  ({ raw }) => {
    for (const batch of batches) raw.raw(batch);
  };
/** Numbered frames. */
export const say =
  (...frames: readonly (readonly unknown[])[]): Act =>
  ({ raw }) =>
    raw.say(...frames);
export const control =
  (...frames: readonly (readonly unknown[])[]): Act =>
  ({ raw }) =>
    raw.control(...frames);
export const inTurn =
  (...acts: readonly Act[]): Act =>
  async (scene) => {
    for (const act of acts) {
      await act(scene);
      await scene.network.settle();
    }
  };
export const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);
export function withText(text: string, ...more: readonly number[]): Uint8Array {
  const encoded = new TextEncoder().encode(text);
  return Uint8Array.from([0, 0, encoded.length >> 8, encoded.length & 255, ...encoded, ...more]);
}
export const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
export const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => make(index));

/** Operations of the application, under way while the peer misbehaves. */
export const sending: Act = ({ victim, must }) => must(victim.send("a value"));
export const receiving: Act = ({ victim, must }) => must(victim.receive());
/** The application gives the peer both ends of a channel: ids 6 (send) and 8 (receive) of a listener, 5 and 7 of a dialer. */
export const giving: Act = ({ victim, must }) => {
  const { send, receive } = chan<unknown>();
  must(victim.send({ send, receive }));
};

/** The number of the last frame that was heard. */
export const lastOf = ({ heard }: RawPeer): number =>
  heard.reduce((last, [number]) => Math.max(last, typeof number === "number" ? number : 0), 0);
export const acknowledging: Act = ({ raw }) => raw.control(["ack", lastOf(raw)]);
