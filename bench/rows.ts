/** Every row: who takes part, and what netchan's median divided by theirs has to be. The first entry of each is netchan. */
import { megabytes, perSecond, type Row, roundTrip } from "./contender.js";
import { blockBytes } from "./values.js";

const netchan = () => import("./peers/netchan.js");
const netchanLocal = () => import("./peers/netchan-local.js");
const ws = () => import("./peers/ws.js");
const socketIo = () => import("./peers/socket-io.js");
const capnweb = () => import("./peers/capnweb.js");
const local = () => import("./peers/local.js");
const selects = () => import("./peers/netchan-selects.js");

export const rows: readonly Row[] = [
  {
    name: "P1",
    title: "one way, awaited sends in a plain loop, capacity 1024",
    unit: perSecond,
    entries: [
      { name: "netchan", load: async () => (await netchan()).oneWay },
      { name: "ws + JSON", load: async () => (await ws()).oneWay, goal: { atLeast: 4 } },
      { name: "socket.io", load: async () => (await socketIo()).oneWay, goal: { atLeast: 5 } },
      { name: "capnweb, stream", load: async () => (await capnweb()).stream, goal: { atLeast: 15 } },
      { name: "capnweb, calls", load: async () => (await capnweb()).calls, goal: { atLeast: 15 } },
      { name: "floor: ws + JSON, 128 a message", load: async () => (await ws()).batched, goal: { atLeast: 0.5 } },
    ],
  },
  {
    name: "P2",
    title: "ping-pong, capacity 0, one value in flight",
    unit: roundTrip,
    entries: [
      { name: "netchan", load: async () => (await netchan()).pingPong },
      { name: "ws + JSON", load: async () => (await ws()).pingPong, goal: { atMost: 1.3 } },
      { name: "socket.io, emitWithAck", load: async () => (await socketIo()).pingPong },
      { name: "capnweb, calls", load: async () => (await capnweb()).pingPong },
    ],
  },
  {
    name: "P3",
    title: "1,000 sends in flight, capacity 0",
    unit: perSecond,
    entries: [
      { name: "netchan", load: async () => (await netchan()).manyInFlight },
      { name: "socket.io, emitWithAck", load: async () => (await socketIo()).manyInFlight, goal: { atLeast: 5 } },
      { name: "capnweb, calls", load: async () => (await capnweb()).calls, goal: { atLeast: 8 } },
    ],
  },
  {
    name: "P5",
    title: "64 KiB Uint8Array values, 1 MiB under way",
    unit: megabytes(blockBytes),
    entries: [
      { name: "netchan", load: async () => (await netchan()).blocks },
      { name: "ws", load: async () => (await ws()).blocks, goal: { atLeast: 0.9 } },
      { name: "socket.io", load: async () => (await socketIo()).blocks, goal: { atLeast: 1.3 } },
    ],
  },
  {
    name: "P6",
    title: "values with Date, Map, Set, BigInt, capacity 1024",
    unit: perSecond,
    entries: [
      { name: "netchan", load: async () => (await netchan()).richValues },
      { name: "ws + superjson", load: async () => (await ws()).richValues, goal: { atLeast: 3 } },
    ],
  },
  {
    name: "P9-rendezvous",
    title: "in one process, capacity 0, awaited sends",
    unit: perSecond,
    local: true,
    entries: [
      { name: "netchan", load: async () => (await netchanLocal()).rendezvous },
      { name: "netchan, receive() in a loop", load: async () => (await netchanLocal()).rendezvousCalls },
      { name: "@thi.ng/csp (its least: 1)", load: async () => (await local()).thingRendezvous, goal: { atLeast: 1 } },
      { name: "TransformStream", load: async () => (await local()).streamRendezvous, goal: { atLeast: 5 } },
      { name: "floor: promise hand-over", load: async () => (await local()).handOver },
    ],
  },
  {
    name: "P9-buffered",
    title: "in one process, capacity 1024, awaited sends",
    unit: perSecond,
    local: true,
    entries: [
      { name: "netchan", load: async () => (await netchanLocal()).buffered },
      { name: "netchan, receive() in a loop", load: async () => (await netchanLocal()).bufferedCalls },
      { name: "@thi.ng/csp", load: async () => (await local()).thingBuffered, goal: { atLeast: 1 } },
      { name: "TransformStream", load: async () => (await local()).streamBuffered, goal: { atLeast: 5 } },
      { name: "floor: promise hand-over", load: async () => (await local()).handOver },
    ],
  },
  {
    name: "P12-selects",
    title: "selects in one process, beside others that wait",
    unit: perSecond,
    local: true,
    entries: [
      { name: "netchan, 10,000 others wait", load: async () => (await selects()).amongLocal(10_000) },
      { name: "100 others wait", load: async () => (await selects()).amongLocal(100), goal: { atLeast: 0.8 } },
      { name: "one other waits", load: async () => (await selects()).amongLocal(1), goal: { atLeast: 0.8 } },
    ],
  },
  {
    name: "P12-selects-remote",
    title: "selects that the other side decides, beside others that wait there",
    unit: perSecond,
    entries: [
      { name: "netchan, 10,000 others wait", load: async () => (await selects()).amongRemote(10_000) },
      { name: "100 others wait", load: async () => (await selects()).amongRemote(100), goal: { atLeast: 0.8 } },
      { name: "one other waits", load: async () => (await selects()).amongRemote(1), goal: { atLeast: 0.8 } },
    ],
  },
];

/** `P9` stands for all rows whose name begins with `P9-`. */
export const rowsNamed = (name: string): readonly Row[] =>
  rows.filter((row) => row.name.toLowerCase() === name.toLowerCase() || row.name.toLowerCase().startsWith(`${name.toLowerCase()}-`));
