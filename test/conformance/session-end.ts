/** How a session ends under its channels: what both sides say of it, and what becomes of operations that wait. */
import { describe, expect, it } from "vitest";
import { chan } from "../../src/index.js";
import { endSessions, type Linked, overLink } from "./links.js";
import { codeOf, type Home, present, range, take } from "./support.js";

export function describeSessionEnd(name: string, connect: (count: number) => Promise<Linked>): void {
  describe(`the end of a session ${name}`, () => {
    it('is "closed" on both sides, though the last verdict is still under way', async () => {
      const linked = await connect(1);
      const [dialer, accepted] = [present(linked.dialers[0]), present(linked.accepted[0])];
      const inner = chan<number>(1);
      const [receive] = await Promise.all([take(accepted.receive), dialer.send(inner.receive)]);
      await inner.send(1);
      expect(await take(receive)).toBe(1);
      await endSessions(linked);
      await linked.dispose();
    });

    it.each(["sender", "receiver", "third"] satisfies Home[])("settles every operation on a channel that lives at the %s", async (home) => {
      let linked: Linked | undefined;
      const world = await overLink(async (count) => {
        linked = await connect(count);
        return linked;
      }, home);
      const pair = await world.make<number>();
      const back = await world.make<number>({}, { back: true });
      for (const { letGo } of [pair, back]) letGo();
      const operations = [pair.send(1), pair.send(2), back.receive()].map(codeOf);
      await world.settle();
      for (const dialer of present(linked).dialers) dialer.abort();
      const codes = await Promise.all(operations);
      for (const code of codes) expect(["SESSION_CLOSED", "SESSION_LOST", "CHANNEL_CLOSED", "RECEIVER_LOST"]).toContain(code);
      const ends = await Promise.all([...present(linked).dialers, ...present(linked).accepted].map((peer) => peer.ended));
      expect(ends.map(({ reason }) => reason)).toEqual(range(ends.length).map(() => "aborted"));
    });
  });
}
