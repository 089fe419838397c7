/** Channels of other libraries inside one process, numbers through them, each send awaited. */
import { channel } from "@thi.ng/csp";
import type { Contender } from "../contender.js";
import { Countdown } from "../values.js";

/** Runs both sides at once and checks what came. */
const local = (
  open: () => { send: (count: number) => Promise<void>; drain: (take: (id: number) => boolean) => Promise<void> },
): Contender => ({
  connect: async () => {
    const { send, drain } = open();
    const countdown = new Countdown();
    const take = (id: number): boolean => countdown.take(id);
    return async (count) => {
      await Promise.all([drain(take), send(count)]);
    };
  },
});

/** Loops as in its README. It has no capacity 0: 1 is its least and its default. */
const thing = (capacity: number): Contender =>
  local(() => {
    const ch = channel<number>(capacity);
    return {
      send: async (count) => {
        for (let id = count - 1; id >= 0; id--) await ch.write(id);
      },
      drain: async (take) => {
        for (let id = await ch.read(); id !== undefined; id = await ch.read()) if (take(id)) return;
      },
    };
  });
export const thingRendezvous = thing(1);
export const thingBuffered = thing(1024);

/** Awaiting `write` waits for the reader: with the default strategies nothing is held. */
export const streamRendezvous = local(() => {
  const { readable, writable } = new TransformStream<number, number>();
  const [writer, reader] = [writable.getWriter(), readable.getReader()];
  return {
    send: async (count) => {
      for (let id = count - 1; id >= 0; id--) await writer.write(id);
    },
    drain: async (take) => {
      for (let got = await reader.read(); !got.done; got = await reader.read()) if (take(got.value)) return;
    },
  };
});
/** Awaiting `ready` is how the Streams standard has a producer respect backpressure. */
export const streamBuffered = local(() => {
  const { readable, writable } = new TransformStream<number, number>(
    undefined,
    undefined,
    new CountQueuingStrategy({ highWaterMark: 1024 }),
  );
  const [writer, reader] = [writable.getWriter(), readable.getReader()];
  return {
    send: async (count) => {
      for (let id = count - 1; id >= 0; id--) {
        await writer.ready;
        void writer.write(id);
      }
    },
    drain: async (take) => {
      for (let got = await reader.read(); !got.done; got = await reader.read()) if (take(got.value)) return;
    },
  };
});

/** The least that two awaiting loops can do: one slot, whoever comes first waits. No close, no select, no second sender. */
class Slot {
  #taker: ((value: number) => void) | undefined;
  #giver: (() => void) | undefined;
  #value = 0;
  give(value: number): Promise<void> {
    const taker = this.#taker;
    if (taker !== undefined) {
      this.#taker = undefined;
      taker(value);
      return Promise.resolve();
    }
    this.#value = value;
    return new Promise((resolve) => {
      this.#giver = resolve;
    });
  }
  take(): Promise<number> {
    const giver = this.#giver;
    if (giver !== undefined) {
      this.#giver = undefined;
      giver();
      return Promise.resolve(this.#value);
    }
    return new Promise((resolve) => {
      this.#taker = resolve;
    });
  }
}
export const handOver = local(() => {
  const slot = new Slot();
  return {
    send: async (count) => {
      for (let id = count - 1; id >= 0; id--) await slot.give(id);
    },
    drain: async (take) => {
      while (!take(await slot.take()));
    },
  };
});
