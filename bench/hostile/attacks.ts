/** What a hostile peer does on one connection, over and over: as much as the server lets it. */
import { isIP } from "node:net";
import { WebSocket } from "ws";

export interface Attack {
  readonly name: string;
  /** Says hello first, as an honest peer does. */
  readonly admitted: boolean;
  /** The batches of one round; frames are numbered from `first` on. */
  batches(first: number): readonly { readonly batch: string | Uint8Array; readonly frames: number }[];
  /** Reads nothing of what is answered. */
  readonly deaf?: true;
  /** Says nothing more. */
  readonly idle?: true;
}

const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => make(index));
const one = (batch: string | Uint8Array, frames = 1) => [{ batch, frames }];
const numbered = (first: number, frames: readonly (readonly unknown[])[]): string =>
  `[${frames.map((frame, index) => JSON.stringify([first + index, ...frame])).join(",")}]`;
/** A send of a value nobody wants, as text of JSON. */
const send = (first: number, json: string): string => `[[${first},"send",1,${first},${json.length},${json}]]`;

const manyKeys = `{${times(99_000, (index) => `"k${index}":0`).join(",")}}`;
const integerKeys = `{${times(99_000, (index) => `"${index * 7_919}":0`).join(",")}}`;
const manyLists = `[${times(99_000, () => "[]").join(",")}]`;
const endless = `[${"[],".repeat(5_000_000)}[]]`;
const longText = `"${"x".repeat(3_000_000)}"`;

export const attacks: readonly Attack[] = [
  { name: "nobody attacks", admitted: true, idle: true, batches: () => [] },
  { name: "a process beside that only computes", admitted: true, batches: () => [] },
  { name: "99,000 members with names", admitted: true, batches: (first) => one(send(first, manyKeys)) },
  { name: "99,000 members with numbers for names", admitted: true, batches: (first) => one(send(first, integerKeys)) },
  { name: "99,000 lists", admitted: true, batches: (first) => one(send(first, manyLists)) },
  { name: "5,000,000 lists, more than a batch may have", admitted: true, batches: (first) => one(send(first, endless)) },
  { name: "texts of 3 MB", admitted: true, batches: (first) => one(send(first, longText)) },
  { name: "1e5 nested lists", admitted: true, batches: (first) => one(send(first, "[".repeat(100_000) + "]".repeat(100_000))) },
  { name: "pings, 10,000 at once", admitted: true, batches: () => one(`[${times(10_000, () => '["ping",1]').join(",")}]`, 0) },
  {
    name: "pings, and reads no answer",
    admitted: true,
    deaf: true,
    batches: () => one(`[${times(10_000, () => '["ping",1]').join(",")}]`, 0),
  },
  {
    name: "operations begun and cancelled, 5,000 at once",
    admitted: true,
    batches: (first) =>
      one(
        numbered(
          first,
          times(10_000, (index) => (index % 2 ? ["cancel", 1, first + index - 1] : ["announce", 1, first + index, 9])),
        ),
        10_000,
      ),
  },
  {
    name: "names opened and given back, 1,000 at once",
    admitted: true,
    batches: (first) => {
      const id = (index: number): number => 2 * (first + (index & ~1)) + 5;
      return one(
        numbered(
          first,
          times(2_000, (index) => (index % 2 ? ["release", id(index), 1] : ["open", id(index), "jobs", "send"])),
        ),
        2_000,
      );
    },
  },
  {
    name: "selects begun and given up, 1,000 at once",
    admitted: true,
    batches: (first) =>
      one(
        numbered(
          first,
          times(2_000, (index) => (index % 2 ? ["quit", first + index - 1] : ["select", first + index, [[2]]])),
        ),
        2_000,
      ),
  },
  {
    name: "a subscriber that reads nothing",
    admitted: true,
    deaf: true,
    batches: (first) =>
      first > 3
        ? []
        : one(
            numbered(first, [
              ["subscribe", 5, "news", 100_000, "drop-oldest"],
              ["limit", 5, 4_096],
            ]),
            2,
          ),
  },
  { name: "strangers who say garbage", admitted: false, batches: () => one("hello?") },
  { name: "strangers who say 16 KB", admitted: false, batches: () => one("x".repeat(16_000)) },
];

const hello = JSON.stringify([
  [
    "hello",
    {
      version: 1,
      limits: { maxFrameBytes: 2 ** 24, maxValueBytes: 2 ** 23, maxQueuedBytes: 2 ** 22, maxChannels: 10_000, maxPendingOperations: 4_096 },
      credentials: null,
    },
  ],
]);
/** Bytes that wait to be written: the attacker is never short of words, nor of memory. */
const mostWaiting = 4_000_000;

/** Attacks over one connection after the other, for ever. */
export function attack({ admitted, batches, deaf, idle }: Attack, address: string): void {
  const { hostname } = new URL(address);
  const again = (): void => {
    const socket = new WebSocket(address, { perMessageDeflate: false, ...(isIP(hostname) > 0 && { localAddress: hostname }) });
    let number = 1;
    const round = (): void => {
      if (socket.readyState !== WebSocket.OPEN) return;
      if (socket.bufferedAmount < mostWaiting) {
        for (const { batch, frames } of batches(number)) {
          socket.send(batch);
          number += frames;
        }
      }
      if (idle !== true) setImmediate(round);
    };
    socket.on("open", () => {
      if (admitted) socket.send(hello);
      else round();
    });
    socket.once("message", () => {
      if (!admitted) return;
      socket.send('[["ack",0],[1,"ready"]]');
      number = 2;
      if (deaf) socket.pause();
      round();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => setTimeout(again, 1));
  };
  again();
}
