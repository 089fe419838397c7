/** What a process tells those who watch it, over real sockets. */
import diagnostics from "node:diagnostics_channel";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { dial, type Listener, listen, type Peer, type PeerStatus } from "../../src/node.js";

interface SessionEvent {
  readonly peer: Peer;
  readonly status: PeerStatus;
}
interface RefusedEvent {
  readonly request: { readonly url: string; readonly remoteAddress?: string; readonly origin?: string };
  readonly error: Error & { readonly code: string };
}

const unwatch: (() => void)[] = [];
const listeners: Listener[] = [];
afterEach(async () => {
  for (const stop of unwatch.splice(0)) stop();
  await Promise.all(listeners.splice(0).map((listener) => listener.close({ drainMs: 0 })));
});

/** What is published from now on, as it comes. */
function watch<Event>(name: string): { readonly events: readonly Event[]; next(): Promise<Event> } {
  const events: Event[] = [];
  const waiting: ((event: Event) => void)[] = [];
  let read = 0;
  const heard = (event: unknown): void => {
    events.push(event as Event);
    waiting.shift()?.(events[read++] as Event);
  };
  diagnostics.subscribe(name, heard);
  unwatch.push(() => diagnostics.unsubscribe(name, heard));
  const next = (): Promise<Event> => {
    const event = events[read];
    if (event === undefined) return new Promise((resolve) => void waiting.push(resolve));
    read++;
    return Promise.resolve(event);
  };
  return { events, next };
}
async function listening(options: Parameters<typeof listen>[1]): Promise<Listener> {
  const listener = await listen("ws://localhost:0", options);
  listeners.push(listener);
  return listener;
}

describe("netchan:session", () => {
  it("tells of each side's session: its beginning, its lost link, its return, its end", async () => {
    const { events, next } = watch<SessionEvent>("netchan:session");
    const listener = await listening({ authenticate: () => "ada" });
    const peer = await dial(listener.url);
    const near = (await listener.peers()).value as Peer;
    const begun = [await next(), await next()];
    expect(begun.map(({ status }) => status)).toEqual(Array(2).fill({ state: "connected", transport: "websocket" }));
    expect(new Set(begun.map((event) => event.peer))).toEqual(new Set<unknown>([peer, near]));
    expect(begun.find((event) => event.peer === near)?.peer.identity).toBe("ada");
    await peer.reconnect();
    await peer.close();
    while (events.filter(({ status }) => status.state === "ended").length < 2) await next();
    for (const one of [peer, near]) {
      const states = events.filter((event) => event.peer === one).map(({ status }) => status.state);
      expect([states[0], states.at(-1)]).toEqual(["connected", "ended"]);
    }
  });
});

describe("netchan:refused", () => {
  it("tells why credentials were refused, which the peer does not learn", async () => {
    const { next } = watch<RefusedEvent>("netchan:refused");
    const cause = new Error("the token has expired");
    const listener = await listening({ authenticate: () => Promise.reject(cause) });
    const refused = dial(`${listener.url}/?door=3`, { credentials: () => "secret" });
    await expect(refused).rejects.toMatchObject({ code: "SESSION_REFUSED" });
    const { request, error } = await next();
    expect([error.code, error.cause, request.url]).toEqual(["SESSION_REFUSED", cause, "/?door=3"]);
    expect(request.remoteAddress).toMatch(/127\.0\.0\.1|::1/);
  });
  it("tells of an origin that may not connect", async () => {
    const { next } = watch<RefusedEvent>("netchan:refused");
    const listener = await listening({});
    const socket = new WebSocket(listener.url, { origin: "https://evil.example" });
    socket.on("error", () => undefined);
    const { request, error } = await next();
    expect([error.code, request.origin]).toEqual(["SESSION_REFUSED", "https://evil.example"]);
  });
  it("tells of a stranger that breaks the protocol", async () => {
    const { next } = watch<RefusedEvent>("netchan:refused");
    const listener = await listening({});
    const socket = new WebSocket(listener.url);
    socket.on("open", () => socket.send("hello?"));
    expect((await next()).error.code).toBe("PROTOCOL_VIOLATION");
  });
  it("tells of links that there was no room for", async () => {
    const { next } = watch<RefusedEvent>("netchan:refused");
    const listener = await listening({ limits: { maxUnauthenticatedLinks: 1 } });
    const silent = new WebSocket(listener.url);
    await new Promise((resolve) => silent.once("open", resolve));
    const second = new WebSocket(listener.url);
    second.on("error", () => undefined);
    expect((await next()).error.code).toBe("LIMIT_EXCEEDED");
    silent.terminate();
  });
});
