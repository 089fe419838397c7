/** The same guilty peer at different times: not admitted yet, admitted, and while its session goes on over another link. */
import type { Peer } from "../../src/node.js";
import type { Act } from "./acts.js";
import { hostileDialer, hostileListener, type RawPeer, type Scene, sceneOf, stranger, welcome } from "./raw-peer.js";

const never = { signal: new AbortController().signal };

/** Says the words of an act, without what the victim's application would do. */
export async function speak(act: Act, scene: Scene): Promise<void> {
  const idle = { send: () => Promise.resolve(), receive: () => Promise.resolve() };
  await act({ ...scene, victim: idle as unknown as Scene["victim"], must: () => undefined });
  await scene.network.settle();
}

/** A link to a listener that knows only the innocent. Its victim is none: nobody was admitted. */
export async function unknownDialer(): Promise<Scene> {
  const there = await stranger();
  return sceneOf(there, [...there.listener.connected][0] as Peer<unknown, unknown>);
}

/** Gives a guilty dialer another link, on which nothing is said. */
export async function reopen({ raw, network, listener }: Scene): Promise<void> {
  raw.link.close();
  await network.settle();
  raw.move(await network.address(listener.accept)(never));
}
export function resumption(raw: RawPeer): string {
  const [{ session, listener, token }] = raw.find("welcome") as readonly [typeof welcome];
  return JSON.stringify([["resume", { version: 1, session, listener, token, epoch: 1, ...raw.position, credentials: null }]]);
}

/** Waits until the victim of a guilty listener is back on another link, on which nothing was answered. */
export async function comeBack({ raw, network, next }: Scene): Promise<void> {
  raw.link.close();
  for (let waits = 0; waits < 100; waits++) {
    await network.settle();
    const link = next();
    if (link !== undefined) {
      raw.move(link);
      await network.settle();
      return;
    }
    await network.advance(100);
  }
  throw new Error("the dialer did not come back");
}
export function resumed(raw: RawPeer): string {
  return JSON.stringify([["resumed", { token: welcome.token, ...raw.position }]]);
}

/** Scenes in which the act of a guilty dialer is the next that is said. */
export const dialers: Readonly<Record<string, () => Promise<Scene>>> = {
  "in a session": () => hostileDialer(),
  "in the same breath with a resume": async () => {
    const scene = await hostileDialer();
    await reopen(scene);
    scene.raw.raw(resumption(scene.raw));
    return scene;
  },
  "in a session that has just been resumed": async () => {
    const scene = await hostileDialer();
    await reopen(scene);
    scene.raw.raw(resumption(scene.raw));
    await scene.network.settle();
    return scene;
  },
};

/** The same for a guilty listener. */
export const listeners: Readonly<Record<string, () => Promise<Scene>>> = {
  "in a session": () => hostileListener(),
  "in the same breath with its answer to a resume": async () => {
    const scene = await hostileListener();
    await comeBack(scene);
    scene.raw.raw(resumed(scene.raw));
    return scene;
  },
};
