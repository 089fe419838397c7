/** The end of a channel: close in line, reasons, receivers who leave, holders who let go. */
import { describe, expect } from "vitest";
import { NetchanError, type ReceiveChannel, type SendChannel, select, trySelect } from "../../src/index.js";
import { codeOf, collect, isPending, produce, range, rejection, type Suite, scenes, take, watch } from "./support.js";

const capacities = [0, 1, 10, 100];
const done = { done: true, value: undefined };

/** Go's closedchan: the same operation plain, in a select of one case, and in a select beside a case that is never ready. */
interface Manner {
  readonly name: string;
  send(send: SendChannel<number>, value: number): Promise<unknown>;
  receive(receive: ReceiveChannel<number>): Promise<unknown>;
}
const manners = (idle: ReceiveChannel<number>): readonly Manner[] => [
  { name: "plain", send: (send, value) => send(value), receive: (receive) => receive() },
  { name: "select", send: (send, value) => select({ send: [send, value] }), receive: (receive) => select({ receive }) },
  { name: "larger select", send: (send, value) => select({ idle, send: [send, value] }), receive: (receive) => select({ idle, receive }) },
  { name: "trySelect", send: (send, value) => trySelect({ send: [send, value] }), receive: (receive) => trySelect({ idle, receive }) },
];

export function describeClosing(suite: Suite): void {
  const scene = scenes(suite);

  describe.each(capacities)("close, capacity %i", (capacity) => {
    scene("stands in line behind the sends before it; then every receive is done, for ever", async (world) => {
      const { send, receive } = await world.make<number>({ capacity });
      const sends = range(capacity + 5).map((value) => send(value));
      send.close();
      expect(await collect(receive)).toEqual(range(capacity + 5));
      await Promise.all(sends);
      for (let count = 0; count < 10; count++) expect(await receive()).toMatchObject(done);
      expect(receive.closed).toBe(true);
    });

    scene("gives its reason to every receive behind the last value", async (world) => {
      const { send, receive } = await world.make<number>({ capacity });
      for (const value of range(3)) void send(value);
      const reason = new RangeError("the disk is full");
      send.close(reason);
      send.close(new Error("too late"));
      expect(await collect(receive, 3)).toEqual(range(3));
      for (let count = 0; count < 3; count++) {
        const error = await rejection(receive());
        expect(error).toMatchObject({ code: "CHANNEL_CLOSED", cause: { message: "the disk is full" } });
        if (suite.capabilities.byReference) expect(error).toHaveProperty("cause", reason);
        expect(NetchanError.is(error) && error.cause instanceof Error).toBe(true);
      }
    });

    scene("ends every receive that waits", async (world) => {
      const { send, receive } = await world.make<number>({ capacity });
      const receives = range(5).map(() => receive());
      await world.settle();
      send.close();
      expect(await Promise.all(receives)).toMatchObject(Array(5).fill(done));
    });

    scene("refuses later sends, whose values are never seen", async (world) => {
      const { send, receive } = await world.make<number>({ capacity });
      send.close();
      expect(send.closed).toBe(true);
      send.close();
      expect(await codeOf(send(1))).toBe("CHANNEL_CLOSED");
      expect(await receive()).toMatchObject(done);
      expect(await codeOf(send(2))).toBe("CHANNEL_CLOSED");
      expect(await receive()).toMatchObject(done);
    });

    scene("meets sends of another process: each was received or is refused", async (world) => {
      const { S, R } = await world.share<number>({ capacity });
      const sends = range(20).map((value) => {
        const sent = (value % 2 ? S : R).send(value);
        if (value === 9) R.send.close();
        return watch(sent);
      });
      const received = await collect(R.receive);
      await world.settle();
      const fulfilled = range(20).filter((value) => sends[value]?.state === "fulfilled");
      expect(received.toSorted((a, b) => a - b)).toEqual(fulfilled);
      expect(sends.filter(({ state }) => state === "pending")).toEqual([]);
      expect(await codeOf(S.send(99))).toBe("CHANNEL_CLOSED");
    });
  });

  describe("a closed channel (Go: closedchan)", () => {
    scene("is done by every manner of receiving, and refuses every manner of sending", async (world) => {
      const idle = await world.make<number>();
      for (const manner of manners(idle.receive)) {
        const { send, receive } = await world.make<number>();
        send.close();
        await world.settle();
        for (let count = 0; count < 3; count++) expect(await manner.receive(receive), manner.name).toMatchObject(done);
      }
      for (const manner of manners((await world.make<number>({}, { back: true })).receive)) {
        for (const capacity of [0, 2]) {
          const { send, receive } = await world.make<number>({ capacity });
          send.close();
          for (const value of [1, 2]) {
            expect(await codeOf(manner.send(send, value)), manner.name).toBe("CHANNEL_CLOSED");
            expect(await receive(), manner.name).toMatchObject(done);
          }
        }
      }
    });

    scene("gives what it had buffered first, by every manner of receiving", async (world) => {
      const idle = await world.make<number>();
      for (const manner of manners(idle.receive)) {
        const { send, receive } = await world.make<number>({ capacity: 2 });
        await send(1);
        send.close();
        await world.settle();
        expect(await manner.receive(receive), manner.name).toMatchObject({ done: false, value: 1 });
        for (let count = 0; count < 3; count++) expect(await manner.receive(receive), manner.name).toMatchObject(done);
      }
    });
  });

  describe("a select that waits", () => {
    scene("for a value is done when its channel closes, and its other case is withdrawn", async (world) => {
      const [channel, other] = [await world.make<number>(), await world.make<number>()];
      const selecting = select({ channel: channel.receive, other: other.receive });
      expect(await isPending(world, selecting)).toBe(true);
      channel.send.close();
      expect(await selecting).toMatchObject({ case: "channel", ...done });
      expect(await isPending(world, other.send(1))).toBe(true);
    });

    scene("to send is refused when its channel closes, and its other case is withdrawn", async (world) => {
      const { S, R } = await world.share<number>();
      const other = await world.make<number>();
      const selecting = select({ channel: [S.send, 1], other: [other.send, 2] });
      expect(await isPending(world, selecting)).toBe(true);
      R.send.close();
      expect(await codeOf(selecting)).toBe("CHANNEL_CLOSED");
      expect(await R.receive()).toMatchObject(done);
      expect(await isPending(world, other.receive())).toBe(true);
    });

    scene("to send is refused when nobody receives any more", async (world) => {
      const [channel, other] = [await world.make<number>(), await world.make<number>()];
      channel.letGo();
      const selecting = select({ channel: [channel.send, 1], other: [other.send, 2] });
      expect(await isPending(world, selecting)).toBe(true);
      channel.receive.close();
      expect(await codeOf(selecting)).toBe("CHANNEL_CLOSED");
      expect(await isPending(world, other.receive())).toBe(true);
    });
  });

  describe("receive.close", () => {
    scene("of the last holder tells every sender, waiting or to come", async (world) => {
      const { send, receive, letGo } = await world.make<number>();
      letGo();
      const waiting = range(5).map((value) => codeOf(send(value)));
      await world.settle();
      receive.close();
      receive.close();
      expect(receive.closed).toBe(true);
      expect(await Promise.all(waiting)).toEqual(Array(5).fill("CHANNEL_CLOSED"));
      expect(await codeOf(send(6))).toBe("CHANNEL_CLOSED");
    });

    scene("of the last holder ends a send into a full buffer", async (world) => {
      const { send, receive, letGo } = await world.make<number>({ capacity: 2 });
      letGo();
      await produce(send, [1, 2]);
      const waiting = codeOf(send(3));
      expect(await isPending(world, waiting)).toBe(true);
      receive[Symbol.dispose]();
      expect(await waiting).toBe("CHANNEL_CLOSED");
      expect(await codeOf(send(4))).toBe("CHANNEL_CLOSED");
    });

    scene("ends the receives that wait here", async (world) => {
      const { receive, letGo } = await world.make<number>();
      letGo();
      const waiting = watch(receive());
      await world.settle();
      receive.close();
      await world.settle();
      expect(waiting.state).not.toBe("pending");
    });

    if (!suite.capabilities.byReference)
      scene("of one process leaves the channel to the other one", async (world) => {
        const { S, R } = await world.share<number>();
        R.receive.close();
        await world.settle();
        const sent = R.send(1);
        expect(await isPending(world, sent)).toBe(true);
        expect(await take(S.receive)).toBe(1);
        await sent;
      });
  });

  describe("send[Symbol.dispose]", () => {
    scene("of the last holder closes the channel behind what was sent", async (world) => {
      const { send, receive, letGo } = await world.make<number>({ capacity: 3 });
      letGo();
      await produce(send, range(3));
      send[Symbol.dispose]();
      expect(await collect(receive)).toEqual(range(3));
      expect(await receive()).toMatchObject(done);
    });

    scene("of the last holder ends a receive that waits", async (world) => {
      const { send, receive, letGo } = await world.make<number>();
      letGo();
      const received = receive();
      expect(await isPending(world, received)).toBe(true);
      send[Symbol.dispose]();
      expect(await received).toMatchObject(done);
    });

    if (!suite.capabilities.byReference)
      scene("of one process leaves the channel to the other one", async (world) => {
        const { S, R } = await world.share<number>();
        R.send[Symbol.dispose]();
        await world.settle();
        const received = take(R.receive);
        expect(await isPending(world, received)).toBe(true);
        await S.send(1);
        expect(await received).toBe(1);
      });
  });

  describe("a send that nobody awaits", () => {
    scene("raises no unhandled rejection when it is refused", async (world) => {
      const raised: unknown[] = [];
      const note = (error: unknown) => raised.push(error);
      process.on("unhandledRejection", note);
      const { send, receive, letGo } = await world.make<number>();
      letGo();
      void send(1);
      await world.settle();
      receive.close();
      await world.settle();
      void send(2);
      void send(3, { signal: AbortSignal.abort() });
      const other = await world.make<number>();
      other.send.close();
      void other.send(4);
      await world.settle();
      process.off("unhandledRejection", note);
      expect(raised).toEqual([]);
    });
  });
}
