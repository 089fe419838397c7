/** Types of the two sides of a session, of options and of errors. */
import {
  type Channel,
  type DialOptions,
  defaultLimits,
  dial,
  type ErrorCode,
  isReceive,
  isSend,
  type Limits,
  type Link,
  type Listener,
  type ListenOptions,
  listen,
  NetchanError,
  type Peer,
  type PeerStatus,
  type ReceiveChannel,
  type SendChannel,
  type SessionEnd,
  sessions,
} from "netchan";
import { type MemoryNetwork, memoryNetwork } from "netchan/testing";
import { describe, expectTypeOf, it } from "vitest";

interface Up {
  readonly up: number;
}
interface Down {
  readonly down: string;
}

describe("a peer", () => {
  it("has In and Out, of which Out is In when it is not named", () => {
    expectTypeOf<Peer<Up, Down>["receive"]>().toEqualTypeOf<ReceiveChannel<Up>>();
    expectTypeOf<Peer<Up, Down>["send"]>().toEqualTypeOf<SendChannel<Down>>();
    expectTypeOf<Peer<Up>["send"]>().toEqualTypeOf<SendChannel<Up>>();
    expectTypeOf<Peer<Up>["identity"]>().toBeUnknown();
    expectTypeOf<Peer["send"]>().parameter(0).toBeAny();
    expectTypeOf<Awaited<ReturnType<Peer["receive"]>>["value"]>().toBeAny();
  });
  it("is a channel, and disposed of with await using", () => {
    expectTypeOf<Peer<Up, Down>>().toExtend<Channel<Up, Down>>();
    expectTypeOf<Peer>().toExtend<AsyncDisposable>();
    expectTypeOf<Listener<Up, Down>>().toExtend<Channel<Up, Down>>();
    expectTypeOf<Listener>().toExtend<AsyncDisposable>();
  });
  it("fits, without type arguments, wherever a peer is asked for", () => {
    const any = {} as Peer;
    const typed: Peer<Up, Down> = any;
    const back: Peer = {} as Peer<Up, Down>;
    void [typed, back];
  });
  it("says how it is", () => {
    const peer = {} as Peer;
    expectTypeOf(peer.id).toEqualTypeOf<string>();
    expectTypeOf(peer.status).toEqualTypeOf<PeerStatus>();
    expectTypeOf(peer.statuses()).toEqualTypeOf<ReceiveChannel<PeerStatus>>();
    expectTypeOf(peer.ended).toEqualTypeOf<Promise<SessionEnd>>();
    expectTypeOf(peer.ping({ signal: AbortSignal.timeout(5) })).toEqualTypeOf<Promise<number>>();
    expectTypeOf(peer.remoteAddress).toEqualTypeOf<string | undefined>();
    if (peer.status.state === "connected") expectTypeOf(peer.status.transport).toBeString();
    if (peer.status.state === "ended") expectTypeOf(peer.status.end).toEqualTypeOf<SessionEnd>();
    if (peer.status.state === "reconnecting") expectTypeOf(peer.status.error).toEqualTypeOf<NetchanError>();
    // @ts-expect-error there is no such state
    if (peer.status.state === "closed") return;
    // @ts-expect-error only an end has an end
    peer.status.end;
    // @ts-expect-error a reason is an Error
    peer.abort("over");
    // @ts-expect-error the option is drainMs
    void peer.close({ drain: 1 });
    // @ts-expect-error it is readonly
    peer.id = "x";
  });
});

describe("dial and listen", () => {
  it("give what their type arguments say", () => {
    expectTypeOf(dial<Up, Down>("ws://x")).toEqualTypeOf<Promise<Peer<Up, Down>>>();
    expectTypeOf(dial<Up>("ws://x")).toEqualTypeOf<Promise<Peer<Up, Up>>>();
    expectTypeOf(dial("ws://x")).toEqualTypeOf<Promise<Peer<unknown, unknown>>>();
    expectTypeOf(sessions<Up>("ws://x")).toEqualTypeOf<ReceiveChannel<Peer<Up, Up>>>();
    expectTypeOf(listen(0)).toEqualTypeOf<Promise<Listener<unknown, unknown, unknown>>>();
    expectTypeOf(listen<Up, Down>(0)).toEqualTypeOf<Promise<Listener<Up, Down, unknown>>>();
  });
  it("take every form of address", () => {
    const open = async ({ signal }: { readonly signal: AbortSignal }): Promise<Link> => {
      signal.throwIfAborted();
      return {} as Link;
    };
    void dial(new URL("ws://x"));
    void dial(["ws://a", new URL("ws://b"), open]);
    void dial(open);
    void listen("localhost:0");
    void listen(["localhost:0", "ws://localhost:0"]);
    void listen({ server: { on: () => undefined }, path: "/x" });
    // @ts-expect-error a port alone is no address to dial
    void dial(8000);
    // @ts-expect-error ports of a list are written out
    void listen([8000]);
  });
  it("take these options", () => {
    const options: Required<Pick<DialOptions, "signal" | "credentials" | "capacity" | "reconnect" | "limits">> = {
      signal: AbortSignal.timeout(5),
      credentials: () => Promise.resolve("token"),
      capacity: 3,
      reconnect: { minMs: 10 },
      limits: { maxDepth: 3 },
    };
    void dial("ws://x", options);
    void dial("ws://x", { reconnect: false, credentials: { user: "a" }, certificateHash: "00", heartbeatMs: 100, resumeWindowMs: 100 });
    // @ts-expect-error there is no such limit
    void dial("ws://x", { limits: { maxEverything: 3 } });
    // @ts-expect-error a timeout is a signal
    void dial("ws://x", { timeout: 3 });
    // @ts-expect-error true is the default, and is not written
    void dial("ws://x", { reconnect: true });
    // @ts-expect-error authenticate is the listener's
    void dial("ws://x", { authenticate: () => 1 });
    // @ts-expect-error credentials are the dialer's
    void listen(0, { credentials: 1 });
  });
  it("carry the identity from authenticate to the peers", async () => {
    const server = await listen<Up, Down, { user: string }>(0, {
      authenticate: (credentials, request) => {
        expectTypeOf(credentials).toBeUnknown();
        expectTypeOf(request.headers.cookie).toEqualTypeOf<string | undefined>();
        expectTypeOf(request.url).toEqualTypeOf<string>();
        return { user: String(credentials) };
      },
    });
    const got = await server.peers();
    if (!got.done) expectTypeOf(got.value.identity).toEqualTypeOf<{ user: string }>();
    expectTypeOf(server.connected).toEqualTypeOf<ReadonlySet<Peer<Up, Down, { user: string }>>>();
    expectTypeOf(server.urls).toEqualTypeOf<readonly string[]>();
    expectTypeOf(server.certificateHash).toEqualTypeOf<string | undefined>();
    // @ts-expect-error authenticate gives another identity
    void listen<Up, Down, { user: string }>(0, { authenticate: () => 1 });
    // @ts-expect-error it takes what goes down
    void server.send({ up: 1 });
    // @ts-expect-error the set is read only
    server.connected.clear();
    expectTypeOf<ListenOptions<Up>["capacity"]>().toEqualTypeOf<number | undefined>();
  });
});

describe("the rest", () => {
  it("tells ends from other values", () => {
    const value = {} as unknown;
    if (isSend(value)) expectTypeOf(value).toEqualTypeOf<SendChannel<unknown>>();
    if (isReceive(value)) expectTypeOf(value).toEqualTypeOf<ReceiveChannel<unknown>>();
  });
  it("has limits and errors", () => {
    expectTypeOf(defaultLimits).toEqualTypeOf<Limits>();
    // @ts-expect-error they are readonly
    defaultLimits.maxDepth = 3;
    const error = new NetchanError("DIAL_FAILED", "x", { cause: 1, outcome: "unknown" });
    expectTypeOf(error).toExtend<Error>();
    expectTypeOf(error.code).toEqualTypeOf<ErrorCode>();
    expectTypeOf(error.scope).toEqualTypeOf<"value" | "channel" | "session" | "link">();
    expectTypeOf(error.retryable).toEqualTypeOf<boolean>();
    expectTypeOf(error.outcome).toEqualTypeOf<"not-sent" | "unknown" | undefined>();
    const caught = {} as unknown;
    if (NetchanError.is(caught)) expectTypeOf(caught).toEqualTypeOf<NetchanError>();
    // @ts-expect-error there is no such code
    new NetchanError("FAILED", "x");
    // @ts-expect-error there is no such outcome
    new NetchanError("DIAL_FAILED", "x", { outcome: "sent" });
  });
  it("has a network in memory", () => {
    expectTypeOf(memoryNetwork({ seed: 1, delayMs: [1, 5], cutEveryMs: 1000 })).toEqualTypeOf<MemoryNetwork>();
    const net = {} as MemoryNetwork;
    expectTypeOf(net.listen<Up, Down>({ capacity: 1 })).toEqualTypeOf<Listener<Up, Down>>();
    void dial(net.address(net.listen().accept));
    net.cut();
    net.cut("clean");
    net.cut("half-open");
    // @ts-expect-error there is no such cut
    net.cut("dirty");
    expectTypeOf(net.advance(5)).toEqualTypeOf<Promise<void>>();
    expectTypeOf(net.settle()).toEqualTypeOf<Promise<void>>();
  });
});
