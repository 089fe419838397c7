/** Programs of the dialing side: addresses, the signal, and sessions one after the other. */
import { createServer } from "node:net";
import { type Channel, chan, type DialOptions, dial, type Link, listen, NetchanError, type Peer, sessions } from "netchan";
import { memoryNetwork } from "netchan/testing";
import { describe, expect, it } from "vitest";
import { codeOf, errorOf, noUnhandledRejections, take, thrownBy } from "./support.js";

/** A port on which nothing listens any more. */
async function deadPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe("dial", () => {
  noUnhandledRejections();

  it("takes a URL, a string, host:port, and a function", async () => {
    const server = await listen<string>("127.0.0.1:0");
    for (const address of [server.url, new URL(server.url), new URL(server.url).host]) {
      const far = await dial<string>(address);
      void far.send("hi");
      expect((await server.receive()).value).toBe("hi");
      await far.close();
    }
    const network = memoryNetwork();
    const far = await dial<string>(network.address(server.accept));
    void far.send("in memory");
    expect((await server.receive()).value).toBe("in memory");
    await far.close({ drainMs: 0 });
    await server.close({ drainMs: 0 });
  });

  it("rejects DIAL_FAILED where nothing listens", async () => {
    const error = await errorOf(dial(`ws://127.0.0.1:${await deadPort()}`));
    expect(error).toMatchObject({ code: "DIAL_FAILED", scope: "link", retryable: true });
    expect(error.cause).toBeInstanceOf(Error);
    expect(await codeOf(dial("ws://no-such-host.invalid"))).toBe("DIAL_FAILED");
  });

  it("goes on to the next address of a list", async () => {
    const server = await listen<string>(0);
    const opened: string[] = [];
    const dead = async (): Promise<Link> => {
      opened.push("dead");
      throw new Error("no way");
    };
    const far = await dial<string>([dead, `ws://127.0.0.1:${await deadPort()}`, server.url]);
    expect(opened).toEqual(["dead"]);
    void far.send("through");
    expect((await server.receive()).value).toBe("through");
    await far.close();
    await server.close();
    const error = await errorOf(dial([dead, `ws://127.0.0.1:${await deadPort()}`]));
    expect(error.code).toBe("DIAL_FAILED");
    expect((error.cause as AggregateError).errors).toHaveLength(2);
  });

  it("gives a silent address a head start only", async () => {
    const server = await listen<string>(0);
    let aborted = false;
    const silent = ({ signal }: { signal: AbortSignal }) =>
      new Promise<Link>((_, reject) =>
        signal.addEventListener("abort", () => {
          aborted = true;
          reject(signal.reason);
        }),
      );
    const far = await dial<string>([silent, server.url]);
    expect(aborted).toBe(true);
    await far.close();
    await server.close();
  });

  it("ends by its signal while it dials, with the signal's reason", async () => {
    const mute = createServer(() => {});
    await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
    const { port } = mute.address() as { port: number };
    const stop = new AbortController();
    const dialing = dial(`ws://127.0.0.1:${port}`, { signal: stop.signal });
    stop.abort("enough");
    await expect(dialing).rejects.toBe("enough");
    await expect(dial(`ws://127.0.0.1:${port}`, { signal: AbortSignal.abort("before") })).rejects.toBe("before");
    const timedOut = await thrownBy(() => dial(`ws://127.0.0.1:${port}`, { signal: AbortSignal.timeout(20) }));
    expect((timedOut as Error).name).toBe("TimeoutError");
    mute.close();
  });

  it("ends by its signal while it waits for the other side's welcome", async () => {
    let begun: () => void = () => {};
    const asked = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const server = await listen(0, {
      authenticate: () => {
        begun();
        return new Promise(() => {});
      },
    });
    const stop = new AbortController();
    const dialing = dial(server.url, { signal: stop.signal });
    await asked;
    stop.abort("enough");
    await expect(dialing).rejects.toBe("enough");
    await server.close({ drainMs: 0 });
  });

  it("has nothing to do with its signal once it has resolved", async () => {
    const server = await listen<string>(0);
    const stop = new AbortController();
    const far = await dial<string>(server.url, { signal: stop.signal });
    stop.abort();
    void far.send("still here");
    expect((await server.receive()).value).toBe("still here");
    await far.close();
    await server.close();
  });

  it("confirms the session by itself, so that peers yields without a send", async () => {
    const server = await listen<string>(0);
    const far = await dial<string>(server.url);
    const near: Peer = await take(server.peers);
    expect(near.id).toBe(far.id);
    await near.close();
    await server.close();
  });

  it("takes options that are undefined as not given", async () => {
    const nothing = undefined as never;
    const server = await listen<number>(0, {
      authenticate: nothing,
      capacity: nothing,
      heartbeatMs: nothing,
      limits: { maxDepth: nothing },
      origins: nothing,
      tls: nothing,
    });
    const far = await dial<number>(server.url, {
      ca: nothing,
      credentials: nothing,
      limits: { maxDepth: nothing },
      reconnect: nothing,
      signal: nothing,
    });
    void far.send(1, { signal: nothing });
    expect((await server.receive({ signal: nothing })).value).toBe(1);
    await far.close({ drainMs: nothing });
    await server.close({ drainMs: nothing });
  });

  it.each<[string, () => Promise<unknown>]>([
    ["no address", () => dial(undefined as never)],
    ["an empty list", () => dial([])],
    ["a scheme it does not know", () => dial("ftp://localhost")],
    ["a text that is no address", () => dial("not an address")],
    ["a capacity below 0", () => dial("ws://localhost", { capacity: -1 })],
    ["a limit out of range", () => dial("ws://localhost", { limits: { maxDepth: 0 } })],
    ["reconnect: true", () => dial("ws://localhost", { reconnect: true } as unknown as DialOptions)],
    ["reconnect with minMs over maxMs", () => dial("ws://localhost", { reconnect: { minMs: 100, maxMs: 50 } })],
    ["a signal that is none", () => dial("ws://localhost", { signal: 5 as never })],
    ["options that are none", () => dial("ws://localhost", 5 as never)],
  ])("refuses %s with a TypeError or RangeError", async (_title, call) => {
    const error = await thrownBy(call);
    expect(error instanceof TypeError || error instanceof RangeError, String(error)).toBe(true);
  });
});

/** A pair of links of one's own making, from nothing but the contract. */
function carrierPigeons(): [Link, Link] {
  const [there, back] = [chan<string | Uint8Array>(1_000), chan<string | Uint8Array>(1_000)];
  const link = (out: Channel<string | Uint8Array>, into: Channel<string | Uint8Array>): Link => ({
    transport: "pigeon",
    send: (bytes) => out.send(bytes),
    received: into.receive,
    close: () => {
      out.send.close();
      into.receive.close();
    },
  });
  return [link(there, back), link(back, there)];
}

describe("a link of one's own making", () => {
  noUnhandledRejections();

  it("carries a session", async () => {
    const server = await listen<string>(0);
    const far = await dial<string>(async () => {
      const [here, there] = carrierPigeons();
      server.accept(there);
      return here;
    });
    const near: Peer = await take(server.peers);
    expect(far.status).toEqual({ state: "connected", transport: "pigeon" });
    expect(near.status).toEqual({ state: "connected", transport: "pigeon" });
    void far.send("hi");
    expect((await server.receive()).value).toBe("hi");
    expect(await far.ping()).toBeGreaterThanOrEqual(0);
    await far.close();
    expect((await near.ended).reason).toBe("closed");
    await server.close();
  });

  it("is lost for both when it ends without a goodbye and is not made again", async () => {
    const server = await listen<string>(0);
    const [here, there] = carrierPigeons();
    server.accept(there);
    const far = await dial<string>(async () => here, { reconnect: false });
    const near: Peer = await take(server.peers);
    here.close();
    expect((await far.ended).reason).toBe("lost");
    expect((await near.ended).reason).toBe("lost");
    await server.close();
  });

  it("is made again when it ends without a goodbye, and carries the session on", async () => {
    const server = await listen<string>(0);
    const made: Link[] = [];
    const far = await dial<string>(
      async () => {
        const [here, there] = carrierPigeons();
        server.accept(there);
        made.push(here);
        return here;
      },
      { reconnect: { minMs: 10, maxMs: 10 } },
    );
    const near: Peer<string> = await take(server.peers);
    made[0]?.close();
    await Promise.all([near.send("back"), take(far.receive)]);
    expect(made).toHaveLength(2);
    expect(server.connected.size).toBe(1);
    await far.close();
    expect((await near.ended).reason).toBe("closed");
    await server.close();
  });

  it("fails the dial when its first send rejects, throws, or its reading does", async () => {
    const silent = async function* (): AsyncGenerator<string> {
      await new Promise(() => {});
      yield "";
    };
    const broken = async function* (): AsyncGenerator<string> {
      yield* [];
      throw new Error("boom");
    };
    const link = (send: Link["send"], received: Link["received"]): Link => ({ transport: "broken", send, received, close: () => {} });
    const links: Link[] = [
      link(() => {
        throw new Error("no");
      }, silent()),
      link(() => {}, broken()),
      link(() => Promise.reject(new Error("no")), silent()),
    ];
    for (const one of links) expect(await codeOf(dial(async () => one, { signal: AbortSignal.timeout(5_000) }))).toBe("DIAL_FAILED");
  });
});

describe("sessions", () => {
  noUnhandledRejections();

  it("gives a new session whenever the last one has ended", async () => {
    const server = await listen<string>(0);
    const all = sessions<string>(server.url, { reconnect: { minMs: 10, maxMs: 20 } });
    const ids = new Set<string>();
    for await (const far of all) {
      ids.add(far.id);
      const near = await take(server.peers);
      expect(near.id).toBe(far.id);
      if (ids.size === 3) break;
      near.abort();
      await far.ended;
    }
    expect(ids.size).toBe(3);
    all.close();
    expect(await all()).toMatchObject({ done: true });
    const [near] = server.connected;
    expect(near?.status.state).toBe("connected"); // the peer in hand stays its user's
    await server.close({ drainMs: 0 });
  });

  it("goes on dialing until somebody listens", async () => {
    const port = await deadPort();
    using all = sessions<string>(`ws://127.0.0.1:${port}`, { reconnect: { minMs: 10, maxMs: 20 } });
    const first = all();
    const server = await listen<string>(`127.0.0.1:${port}`);
    const far = (await first).value as Peer<string>;
    void far.send("at last");
    expect((await server.receive()).value).toBe("at last");
    await far.close();
    await server.close({ drainMs: 0 });
  });

  it("dials again on a virtual clock too", async () => {
    const network = memoryNetwork();
    const server = network.listen<string>();
    const all = sessions<string>(network.address(server.accept), { reconnect: { minMs: 1_000, maxMs: 60_000 } });
    await take(all);
    network.cut();
    const second = all();
    await network.advance(300_000);
    network.heal();
    await network.advance(60_000);
    expect(((await second).value as Peer).status.state).toBe("connected");
    all.close();
    await server.close({ drainMs: 0 });
  });

  it("is stopped while it dials", async () => {
    const stopped = sessions(`ws://127.0.0.1:${await deadPort()}`);
    const waiting = stopped();
    stopped.close();
    expect(await waiting).toMatchObject({ done: true });
  });

  it("fits into select and merge", async () => {
    const server = await listen<string>(0);
    using all = sessions<string>(server.url);
    const { receive } = chan<number>();
    const { select } = await import("netchan");
    const got = await select({ session: all, number: receive });
    expect(got.case).toBe("session");
    if (got.case === "session" && !got.done) await got.value.close();
    await server.close({ drainMs: 0 });
  });
});

describe("NetchanError", () => {
  it("is what the contract says", () => {
    const cause = new Error("cause");
    const error = new NetchanError("SESSION_LOST", "gone", { cause, outcome: "unknown" });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      code: "SESSION_LOST",
      scope: "session",
      retryable: true,
      outcome: "unknown",
      cause,
      name: "NetchanError",
    });
    expect(error.message).toContain("gone");
    expect(NetchanError.is(error)).toBe(true);
    for (const other of [new Error("SESSION_LOST"), { code: "SESSION_LOST" }, undefined, null, "SESSION_LOST"])
      expect(NetchanError.is(other)).toBe(false);
    expect("outcome" in new NetchanError("DIAL_FAILED", "x")).toBe(false);
  });
});
