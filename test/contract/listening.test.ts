/** Programs of the listening side: work distribution, its peers, who is let in, where it listens. */
import { createServer } from "node:http";
import { dial, listen, type NetchanError, type Peer } from "netchan";
import { afterEach, describe, expect, it } from "vitest";
import { all, codeOf, errorOf, isPending, noUnhandledRejections, overBoth, range, take, thrownBy } from "./support.js";

overBoth("the merged pair", (world) => {
  it("receives from any peer, and says from whom", async () => {
    const server = await world().listen<string>();
    const sessions = [await world().dial(server), await world().dial(server), await world().dial(server)];
    sessions.forEach(({ far }, index) => void far.send(`from ${index}`));
    const seen = new Map<unknown, string>();
    for (const _ of sessions) {
      const got = await server.receive();
      if (!got.done) seen.set(got.from, got.value);
    }
    expect(sessions.map(({ near }) => seen.get(near))).toEqual(["from 0", "from 1", "from 2"]);
  });

  it("serves ready peers in turn", async () => {
    const server = await world().listen<string>();
    const [one, two] = [await world().dial(server), await world().dial(server)];
    for (const round of range(20)) {
      one.far.send(`1:${round}`);
      two.far.send(`2:${round}`);
    }
    await world().settle();
    const order: string[] = [];
    for (const _ of range(40)) order.push((await take(server.receive))[0] as string);
    for (const at of range(20)) expect(new Set(order.slice(at * 2, at * 2 + 2)).size).toBe(2);
  });

  it("gives a value to the peer that asks first", async () => {
    const server = await world().listen<never, number>();
    const [one, two] = [await world().dial(server), await world().dial(server)];
    const asked = two.far.receive();
    await world().settle();
    await server.send(1);
    expect((await asked).value).toBe(1);
    const second = one.far.receive();
    await server.send(2);
    expect((await second).value).toBe(2);
  });

  it("lets a value go only on demand, after the peer's own queue", async () => {
    const server = await world().listen<string>({ capacity: 1 });
    const { near, far } = await world().dial(server);
    await server.send("for anybody");
    await near.send("for you");
    expect(server.send.buffered).toBe(1);
    const late = await world().dial(server);
    await world().settle();
    expect(server.send.buffered).toBe(1);
    expect(await take(far.receive)).toBe("for you");
    expect(await take(late.far.receive)).toBe("for anybody");
    await world().settle();
    expect(server.send.buffered).toBe(0);
  });

  it("has a queue of its own capacity", async () => {
    const server = await world().listen<number>({ capacity: 2 });
    const { near } = await world().dial(server);
    await Promise.all([server.send(1), server.send(2), near.send(1), near.send(2)]);
    const more = server.send(3);
    expect(await isPending(world(), more)).toBe(true);
    expect(server.send.buffered).toBe(2);
  });

  it("shares work out, each task once", async () => {
    const server = await world().listen<number, number>({ whenInDoubt: "redeliver" });
    const workers = [];
    for (const _ of range(4)) {
      const { far } = await world().dial(server);
      const worker = async () => {
        for await (const task of far.receive) await far.send(task * 2);
        far.send.close();
      };
      workers.push(worker());
    }
    const hand = (async () => {
      for (const task of range(200)) await server.send(task);
      server.send.close();
    })();
    const results: number[] = [];
    while (results.length < 200) results.push(await take(server.receive));
    await Promise.all([hand, ...workers]);
    expect(results.sort((a, b) => a - b)).toEqual(range(200).map((task) => task * 2));
  });

  it("offers a task again when its worker was lost before it answered", async () => {
    const server = await world().listen<never, string>({ whenInDoubt: "redeliver" });
    const [one, two] = [await world().dial(server), await world().dial(server)];
    const first = one.far.receive();
    await world().settle();
    one.far.abort();
    expect(await codeOf(first)).toBe("SESSION_CLOSED");
    const sent = server.send("task");
    expect(await take(two.far.receive)).toBe("task");
    await sent;
  });

  it("is done at every dialer when server.send is closed, and at one when that peer's is", async () => {
    const server = await world().listen<string>();
    const [one, two] = [await world().dial(server), await world().dial(server)];
    one.near.send("last words");
    one.near.send.close();
    expect(await all(one.far.receive)).toEqual(["last words"]);
    server.send("for two");
    expect(await take(two.far.receive)).toBe("for two");
    server.send.close();
    expect(await two.far.receive()).toMatchObject({ done: true });
    expect(await codeOf(server.send("x"))).toBe("CHANNEL_CLOSED");
    two.far.send("up still works");
    expect(await take(server.receive)).toBe("up still works");
  });

  it("goes on when one dialer closes its direction", async () => {
    const server = await world().listen<string>();
    const [one, two] = [await world().dial(server), await world().dial(server)];
    one.far.send.close();
    await world().settle();
    two.far.send("two");
    expect(await take(server.receive)).toBe("two");
    expect(server.receive.closed).toBe(false);
    one.near.send("down still works");
    expect(await take(one.far.receive)).toBe("down still works");
  });

  it("takes about as long for each value with 100 peers as with 10", { timeout: 30_000 }, async () => {
    const server = await world().listen<number, number>();
    const sessions = [];
    for (const _ of range(100)) sessions.push(await world().dial(server));
    const loops = sessions.map(async ({ far }) => {
      for await (const value of far.receive) void far.send(value);
    });
    const hand = (async () => {
      for (const value of range(3_000)) await server.send(value);
      server.send.close();
    })();
    let sum = 0;
    for (const _ of range(3_000)) sum += await take(server.receive);
    expect(sum).toBe((3_000 * 2_999) / 2);
    await Promise.all([hand, ...loops]);
  });

  it("is done, after close, for those who receive; sends reject", async () => {
    const server = await world().listen<string>();
    const { far } = await world().dial(server);
    const waiting = server.receive();
    const peers = server.peers();
    await server.close({ drainMs: 0 });
    expect(await waiting).toMatchObject({ done: true });
    expect(await peers).toMatchObject({ done: true });
    expect(["CHANNEL_CLOSED", "SESSION_CLOSED"]).toContain(await codeOf(server.send("x")));
    expect((await far.ended).reason).toBe("closed");
    await server.close();
    expect(server.connected.size).toBe(0);
  });
});

overBoth("who is let in", (world) => {
  it("has the identity that authenticate returned, also later", async () => {
    const server = await world().listen<string, string, { user: string }>({
      authenticate: async (credentials, request) => {
        expect(typeof request.url).toBe("string");
        expect(typeof request.headers).toBe("object");
        return { user: String(credentials) };
      },
    });
    const { near, far } = await world().dial(server, { credentials: "ada" });
    expect(near.identity).toEqual({ user: "ada" });
    expect(far.identity).toBeUndefined();
    const second = await world().dial(server, { credentials: async () => "grace" });
    expect(second.near.identity.user).toBe("grace");
  });

  it("learns only that it was refused, whatever the reason", async () => {
    const messages = new Set<string>();
    const server = await world().listen<string>({
      authenticate: (credentials) => {
        if (credentials === undefined) throw new Error("secret reason one");
        return Promise.reject(new TypeError(`secret ${JSON.stringify(credentials)}`));
      },
    });
    for (const options of [{}, { credentials: { token: "x" } }, { credentials: () => 7 }]) {
      const error = await errorOf(world().dial(server, options));
      expect(error).toMatchObject({ code: "SESSION_REFUSED", scope: "session", retryable: false });
      expect(error.message).not.toContain("secret");
      messages.add(error.message);
    }
    expect(messages.size).toBe(1);
    expect(server.connected.size).toBe(0);
  });

  it("is asked for credentials once for each link, as they are now", async () => {
    const server = await world().listen<string, string, unknown>({ authenticate: (credentials) => credentials });
    let count = 0;
    const credentials = () => ({ count: ++count });
    expect((await world().dial(server, { credentials })).near.identity).toEqual({ count: 1 });
    expect((await world().dial(server, { credentials })).near.identity).toEqual({ count: 2 });
  });

  it("is not more than maxSessions", async () => {
    const server = await world().listen<string>({ limits: { maxSessions: 1 } });
    const { far, near } = await world().dial(server);
    expect(await codeOf(world().dial(server))).toBe("LIMIT_EXCEEDED");
    await far.close();
    await near.ended;
    await world().dial(server);
  });

  it("fails the dial when credentials throw", async () => {
    const server = await world().listen<string>();
    const reason = new Error("no token");
    const error = await thrownBy(() =>
      world().dial(server, {
        credentials: () => {
          throw reason;
        },
      }),
    );
    expect(error === reason || (error as NetchanError).cause === reason).toBe(true);
  });
});

describe("a listener on a port", () => {
  noUnhandledRejections();
  const open: { close(options?: { drainMs: number }): Promise<void> }[] = [];
  afterEach(() => Promise.all(open.splice(0).map((one) => one.close({ drainMs: 0 }))));
  const keep = <T extends (typeof open)[number]>(one: T): T => {
    open.push(one);
    return one;
  };

  it("says as what it can be dialed", async () => {
    const server = keep(await listen<string>(["127.0.0.1:0", "ws://localhost:0"]));
    expect(server.urls).toHaveLength(2);
    expect(server.url).toBe(server.urls[0]);
    expect(server.certificateHash).toBeUndefined();
    for (const url of server.urls) {
      const far = keep(await dial<string>(url));
      void far.send(url);
      expect(await take(server.receive)).toBe(url);
    }
  });

  it("knows the address of its peers", async () => {
    const server = keep(await listen<string>("127.0.0.1:0"));
    const far = keep(await dial<string>(new URL(server.url)));
    const near: Peer = await take(server.peers);
    expect(near.remoteAddress).toContain("127.0.0.1");
    expect(near.status).toEqual({ state: "connected", transport: "websocket" });
    expect(far.status).toEqual({ state: "connected", transport: "websocket" });
    expect(near.identity).toBeUndefined();
  });

  it("shares an http server, and leaves it listening", async () => {
    const http = createServer((_request, response) => response.end("the page"));
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    const address = http.address() as { port: number };
    const page = async () => (await fetch(`http://127.0.0.1:${address.port}/`)).text();
    const one = keep(await listen<string>({ server: http, path: "/one" }));
    const two = keep(await listen<string>({ server: http, path: "/two" }));
    const far = keep(await dial<string>(`ws://127.0.0.1:${address.port}/two`));
    void far.send("hi");
    expect(await take(two.receive)).toBe("hi");
    expect(await page()).toBe("the page");
    await two.close({ drainMs: 0 });
    expect((await far.ended).reason).toBe("closed");
    expect(http.listening).toBe(true);
    expect(await page()).toBe("the page");
    expect(await codeOf(dial(`ws://127.0.0.1:${address.port}/two`, { signal: AbortSignal.timeout(5_000) }))).toBe("DIAL_FAILED");
    const other = keep(await dial<string>(`ws://127.0.0.1:${address.port}/one`));
    void other.send("hi");
    expect(await take(one.receive)).toBe("hi");
    await one.close({ drainMs: 0 });
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  });

  it("answers a plain GET with 426", async () => {
    const server = keep(await listen(0));
    expect((await fetch(server.url.replace("ws:", "http:"))).status).toBe(426);
  });

  it("rejects LISTEN_FAILED for a port that is taken, and holds none of the others", async () => {
    const first = keep(await listen("127.0.0.1:0"));
    const { port } = new URL(first.url);
    const error = await errorOf(listen(["127.0.0.1:0", `127.0.0.1:${port}`]));
    expect(error).toMatchObject({ code: "LISTEN_FAILED", scope: "link", retryable: true });
    expect((error.cause as { code: string }).code).toBe("EADDRINUSE");
  });

  it("frees its port when it is closed", async () => {
    const first = await listen("127.0.0.1:0");
    const { port } = new URL(first.url);
    await first.close();
    const second = keep(await listen(`127.0.0.1:${port}`));
    expect(new URL(second.url).port).toBe(port);
  });

  it("is disposed of with await using", async () => {
    let url: string;
    {
      await using server = await listen<string>(0);
      ({ url } = server);
    }
    expect(await codeOf(dial(url))).toBe("DIAL_FAILED");
  });

  it("serves TLS with a certificate made at start", async () => {
    const server = keep(await listen<string>("localhost:0", { tls: "self-signed" }));
    expect(server.url).toMatch(/^wss:\/\/localhost:/);
    expect(server.certificateHash).toMatch(/^[0-9a-f:]{64,}$/i);
    const far = keep(await dial<string>(server.url, { certificateHash: server.certificateHash as string }));
    void far.send("over TLS");
    expect(await take(server.receive)).toBe("over TLS");
    expect(await codeOf(dial(server.url))).toBe("DIAL_FAILED");
    expect(await codeOf(dial(server.url, { certificateHash: "0".repeat(64) }))).toBe("DIAL_FAILED");
  });

  it.each([
    ["an empty list", () => listen([])],
    ["a port out of range", () => listen(70_000)],
    ["a port that is none", () => listen(1.5)],
    ["a scheme it does not know", () => listen("ftp://localhost:0")],
    ["nothing", () => listen(undefined as never)],
    ["a capacity below 0", () => listen(0, { capacity: -1 })],
    ["a capacity that is no number", () => listen(0, { capacity: "1" as never })],
    ["an unknown limit", () => listen(0, { limits: { maxEverything: 1 } as never })],
    ["a limit out of range", () => listen(0, { limits: { maxSessions: 0 } })],
    ["a heartbeat of nothing", () => listen(0, { heartbeatMs: 0 })],
    ["a window below 100 ms", () => listen(0, { resumeWindowMs: 99 })],
    ["an unknown word", () => listen(0, { whenInDoubt: "maybe" as never })],
    ["authenticate that is no function", () => listen(0, { authenticate: "x" as never })],
    ["origins that are no list", () => listen(0, { origins: "http://localhost" as never })],
    ["options that are none", () => listen(0, "x" as never)],
  ])("refuses %s with a TypeError or RangeError", async (_title, call) => {
    const error = await thrownBy(async () => keep((await call()) as never));
    expect(error instanceof TypeError || error instanceof RangeError, String(error)).toBe(true);
  });
});
