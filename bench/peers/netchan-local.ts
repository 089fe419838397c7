/** This project's channels inside one process: awaited sends, received by a `for await` loop or by awaited calls. */
import { chan, type ReceiveChannel } from "netchan/node";
import type { Contender } from "../contender.js";
import { Countdown } from "../values.js";

type Drain = (receive: ReceiveChannel<number>, take: (id: number) => boolean) => Promise<void>;

const loop: Drain = async (receive, take) => {
  for await (const id of receive) if (take(id)) return;
};
const calls: Drain = async (receive, take) => {
  for (let got = await receive(); !got.done; got = await receive()) if (take(got.value)) return;
};

const local = (capacity: number, drain: Drain): Contender => ({
  connect: async () => {
    const { send, receive } = chan<number>(capacity);
    const countdown = new Countdown();
    const take = (id: number): boolean => countdown.take(id);
    return async (count) => {
      const drained = drain(receive, take);
      for (let id = count - 1; id >= 0; id--) await send(id);
      await drained;
    };
  },
});
export const rendezvous = local(0, loop);
export const rendezvousCalls = local(0, calls);
export const buffered = local(1024, loop);
export const bufferedCalls = local(1024, calls);
