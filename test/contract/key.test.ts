/**
 * The option `key`: who knows the shared secret comes in, and is let in by nobody else. Over a network in memory, with dialers and listeners
 * by hand, and over real WebSockets.
 */
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { dial, type Link, listen, type Peer } from "netchan";
import { memoryNetwork } from "netchan/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import type { LinkListener } from "../../src/listener.js";
import { SharedKey } from "../../src/shared-key.js";
import { limits, RawPeer, welcome } from "../hostile/raw-peer.js";
import { errorOf, noUnhandledRejections, take } from "./support.js";

noUnhandledRejections();

const key = "a secret that both sides know";
const nonce = "ab".repeat(32);
const quick = { reconnect: { minMs: 10, maxMs: 20 } };
const hello = { version: 1, limits, credentials: null };
const refusal = ["SESSION_REFUSED", "the key was not proved"];

describe("over a network in memory", () => {
  let network = memoryNetwork();
  let listeners: LinkListener[] = [];
  let judged: unknown[] = [];
  beforeEach(() => {
    network = memoryNetwork();
    listeners = [];
    judged = [];
  });
  afterEach(async () => {
    const closed = Promise.all(listeners.map((listener) => listener.close({ drainMs: 0 })));
    await network.advance(20_000);
    await closed;
  });

  function listening(given: string | Uint8Array | undefined = key): LinkListener {
    const authenticate = (credentials: unknown): string => {
      judged.push(credentials);
      return "somebody";
    };
    const listener = network.listen({ authenticate, ...(given === undefined ? {} : { key: given }) }) as unknown as LinkListener;
    listeners.push(listener);
    return listener;
  }
  async function arrive(listener: LinkListener): Promise<RawPeer> {
    return new RawPeer(await network.address(listener.accept)({ signal: new AbortController().signal }));
  }
  /** Says a hello or resume by hand, and hears the challenge. */
  async function challenged(listener: LinkListener, greeting: readonly unknown[] = ["hello", { ...hello, key: { nonce, host: "" } }]) {
    const raw = await arrive(listener);
    raw.control(greeting);
    await network.settle();
    const [said] = raw.find("challenge") ?? [];
    const { listener: name, nonce: listenerNonce } = said as { readonly listener: string; readonly nonce: string };
    const transcript = { version: 1, listener: name, host: "", dialerNonce: nonce, listenerNonce, greeting: JSON.stringify([greeting]) };
    const prove = async (proof: string): Promise<void> => {
      raw.control(["proof", proof]);
      await network.settle();
    };
    return { raw, transcript, prove };
  }

  it.each([
    ["text", key],
    ["bytes", new TextEncoder().encode(key)],
  ])("the right key lets in, given as %s", async (_name, given) => {
    const listener = listening();
    const far = await dial<string, string>(network.address(listener.accept), { key: given, credentials: "token" });
    void far.send("tea");
    expect((await listener.receive()).value).toBe("tea");
    expect(judged).toEqual(["token"]);
  });

  it.each([
    ["no key", {}],
    ["another key", { key: "another secret, just as long" }],
    ["a key that begins alike", { key: `${key}!` }],
  ])("%s is refused, before the application is asked", async (_name, options) => {
    const listener = listening();
    const error = await errorOf(dial(network.address(listener.accept), { ...options, credentials: "token" }));
    expect(error).toMatchObject({ code: "SESSION_REFUSED", message: expect.stringContaining("the key was not proved") as string });
    expect(judged).toEqual([]);
    expect(listener.connected.size).toBe(0);
  });

  it("who knows it not is told the same whatever was wrong", async () => {
    const listener = listening();
    const none = await arrive(listener);
    none.control(["hello", hello]);
    const { raw: wrong, prove } = await challenged(listener);
    await prove("00".repeat(32));
    expect([none.find("refused"), wrong.find("refused")]).toEqual([refusal, refusal]);
    expect([none.closed, wrong.closed]).toEqual([true, true]);
  });

  it.each<[string, readonly unknown[]]>([
    ["a proof that is no text", ["proof", 5]],
    ["a proof that is too short", ["proof", "00"]],
    ["a proof that is no hex", ["proof", "zz".repeat(32)]],
    ["another hello", ["hello", hello]],
    ["a ready", [1, "ready"]],
    ["an ack", ["ack", 0]],
  ])("%s behind the challenge is a violation", async (_name, frame) => {
    const { raw } = await challenged(listening());
    raw.control(frame);
    await network.settle();
    expect(raw.find("refused")?.[0]).toBe("PROTOCOL_VIOLATION");
    expect(raw.closed).toBe(true);
  });
  it.each([
    ["a text", "key"],
    ["without a nonce", { host: "" }],
    ["with a short nonce", { host: "", nonce: "ab" }],
    ["without a host", { nonce }],
    ["null", null],
  ])("a key that is %s is a violation", async (_name, said) => {
    const raw = await arrive(listening());
    raw.control(["hello", { ...hello, key: said }]);
    await network.settle();
    expect(raw.find("refused")?.[0]).toBe("PROTOCOL_VIOLATION");
  });
  it("silence behind the challenge is waited for 10 s", async () => {
    const { raw } = await challenged(listening());
    await network.advance(9_999);
    expect(raw.closed).toBe(false);
    await network.advance(1);
    expect(raw.closed).toBe(true);
    expect(raw.find("refused")).toBeUndefined();
  });

  it("a proof is good once: neither on another link nor in the other direction", async () => {
    const listener = listening();
    const secret = new SharedKey(key);
    const first = await challenged(listener);
    const proof = secret.prove("dialer", first.transcript);
    await first.prove(proof);
    const [welcomed] = first.raw.find("welcome") ?? [];
    expect((welcomed as { readonly proof: string }).proof).toBe(secret.prove("listener", first.transcript));

    const second = await challenged(listener);
    expect(second.transcript.listenerNonce).not.toBe(first.transcript.listenerNonce);
    await second.prove(proof);
    expect(second.raw.find("refused")).toEqual(refusal);
    const third = await challenged(listener);
    await third.prove((welcomed as { readonly proof: string }).proof);
    expect(third.raw.find("refused")).toEqual(refusal);
    const fourth = await challenged(listener);
    await fourth.prove(secret.prove("listener", fourth.transcript));
    expect(fourth.raw.find("refused")).toEqual(refusal);
  });
  it("the proof covers the first frame: credentials that were changed on the way are refused", async () => {
    const listener = listening();
    const { transcript, prove, raw } = await challenged(listener, ["hello", { ...hello, credentials: "evil", key: { nonce, host: "" } }]);
    const greeting = JSON.stringify([["hello", { ...hello, credentials: "good", key: { nonce, host: "" } }]]);
    await prove(new SharedKey(key).prove("dialer", { ...transcript, greeting }));
    expect(raw.find("refused")).toEqual(refusal);
    expect(judged).toEqual([]);
  });
  it.each([
    ["as it was dialed", "example.com:8443", "example.com:8443", true],
    ["in other letters", "example.com", "Example.COM", true],
    ["none, on a link of its own making", "", "example.com", true],
    ["another name", "evil.example", "example.com", false],
    ["another port", "example.com:1", "example.com:2", false],
  ])("a host %s", async (_name, dialed, requested, welcomed) => {
    const listener = listening();
    const link = await network.address((there) => listener.acceptFrom(there, { url: "/", headers: { host: requested } }))({
      signal: new AbortController().signal,
    });
    const raw = new RawPeer(link);
    const greeting = ["hello", { ...hello, key: { nonce, host: dialed } }];
    raw.control(greeting);
    await network.settle();
    const [said] = raw.find("challenge") ?? [];
    const { listener: name, nonce: listenerNonce } = said as { readonly listener: string; readonly nonce: string };
    const transcript = {
      version: 1,
      listener: name,
      host: dialed,
      dialerNonce: nonce,
      listenerNonce,
      greeting: JSON.stringify([greeting]),
    };
    raw.control(["proof", new SharedKey(key).prove("dialer", transcript)]);
    await network.settle();
    expect(raw.heard.map(([type]) => type)).toContain(welcomed ? "welcome" : "refused");
  });

  describe("a listener that does not know it is not believed", () => {
    async function dialing(answer: (raw: RawPeer) => void) {
      let raw: RawPeer | undefined;
      const dialed = dial(
        network.address((link) => {
          raw = new RawPeer(link);
        }),
        { key },
      );
      dialed.catch(() => undefined);
      await network.settle();
      answer(raw as RawPeer);
      await network.settle();
      return { error: await errorOf(dialed), raw: raw as RawPeer };
    }
    const challenge = ["challenge", { listener: welcome.listener, nonce }] as const;

    it("when it challenges nobody", async () => {
      const { error, raw } = await dialing((raw) => raw.control(["welcome", welcome]));
      expect(error).toMatchObject({
        code: "SESSION_REFUSED",
        message: expect.stringContaining("does not prove that it knows the key") as string,
      });
      expect(raw.closed).toBe(true);
      expect(raw.heard.map(([type]) => type)).toEqual(["hello"]);
    });
    it.each([
      ["a wrong proof", { ...welcome, proof: "00".repeat(32) }, "SESSION_REFUSED"],
      ["no proof", welcome, "PROTOCOL_VIOLATION"],
      ["a proof that is no hex", { ...welcome, proof: 5 }, "PROTOCOL_VIOLATION"],
    ])("when it welcomes with %s", async (_name, said, code) => {
      const { error, raw } = await dialing((raw) => {
        raw.control(challenge);
        raw.control(["welcome", said]);
      });
      expect(error).toMatchObject({ code });
      expect(raw.closed).toBe(true);
    });
    it("when it gives the dialer's proof back", async () => {
      const { error } = await dialing((raw) => {
        raw.control(challenge);
        void network.settle().then(() => raw.control(["welcome", { ...welcome, proof: raw.find("proof")?.[0] }]));
      });
      expect(error).toMatchObject({ code: "SESSION_REFUSED" });
    });
    it.each([
      ["no nonce", { listener: welcome.listener }],
      ["no name", { nonce }],
      ["nothing", null],
    ])("when its challenge has %s", async (_name, said) => {
      const { error } = await dialing((raw) => raw.control(["challenge", said]));
      expect(error).toMatchObject({ code: "PROTOCOL_VIOLATION" });
    });
    it("when it proves the name of one listener and welcomes in that of another", async () => {
      const { error } = await dialing((raw) => {
        raw.control(challenge);
        void network.settle().then(() => {
          const transcript = {
            version: 1,
            listener: welcome.listener,
            host: "",
            dialerNonce: String((raw.heard[0]?.[1] as { readonly key?: { readonly nonce: string } } | undefined)?.key?.nonce),
            listenerNonce: nonce,
            greeting: JSON.stringify([raw.heard[0]]),
          };
          raw.control(["welcome", { ...welcome, listener: "0".repeat(32), proof: new SharedKey(key).prove("listener", transcript) }]);
        });
      });
      expect(error).toMatchObject({ code: "SESSION_REFUSED" });
    });
    it("a dialer without a key says none, and takes no challenge", async () => {
      let raw: RawPeer | undefined;
      const dialed = dial(
        network.address((link) => {
          raw = new RawPeer(link);
        }),
      );
      dialed.catch(() => undefined);
      await network.settle();
      expect(raw?.find("hello")?.[0]).not.toHaveProperty("key");
      raw?.control(challenge);
      expect(await errorOf(dialed)).toMatchObject({ code: "PROTOCOL_VIOLATION" });
    });
    it("but its refusal is a refusal", async () => {
      const { error } = await dialing((raw) => raw.control(["refused", "LIMIT_EXCEEDED", "full"]));
      expect(error).toMatchObject({ code: "LIMIT_EXCEEDED" });
    });
  });

  describe("for every link", () => {
    async function session() {
      const listener = listening();
      /** Who answers the next links in the listener's stead. */
      let impostor: ((link: Link) => void) | undefined;
      const far = await dial<string, string>(
        network.address((link) => (impostor ?? listener.accept)(link)),
        { key, ...quick },
      );
      await network.settle();
      const near = (await take(listener.peers)) as Peer<string, string>;
      const greeting = { version: 1, session: near.id, epoch: 9, next: 1, first: 1, credentials: null };
      return {
        listener,
        near,
        far,
        greeting,
        stand: (by: typeof impostor): void => {
          impostor = by;
        },
      };
    }
    const cut = async (): Promise<void> => {
      network.cut();
      network.heal();
      await network.advance(100);
    };

    it("it is proved anew, and the session goes on", async () => {
      const { near, far } = await session();
      await cut();
      expect([near.status.state, far.status.state]).toEqual(["connected", "connected"]);
      void far.send("tea");
      expect((await near.receive()).value).toBe("tea");
      expect(judged).toHaveLength(2);
    });
    it("whoever has a token and no key does not touch the session", async () => {
      const { listener, near, far, greeting } = await session();
      const { raw, prove, transcript } = await challenged(listener, [
        "resume",
        { ...greeting, listener: await name(listener), token: "00".repeat(32), key: { nonce, host: "" } },
      ]);
      await prove("00".repeat(32));
      expect(raw.find("refused")).toEqual(refusal);
      const bare = await arrive(listener);
      bare.control(["resume", { ...greeting, listener: transcript.listener, token: "00".repeat(32) }]);
      await network.settle();
      expect(bare.find("refused")).toEqual(refusal);
      expect([near.status.state, far.status.state]).toEqual(["connected", "connected"]);
      expect(judged).toHaveLength(1);
    });
    it("the key is judged before the token: right key and wrong token is an unknown session", async () => {
      const { listener, greeting } = await session();
      const { raw, prove, transcript } = await challenged(listener, [
        "resume",
        { ...greeting, listener: await name(listener), token: "00".repeat(32), key: { nonce, host: "" } },
      ]);
      await prove(new SharedKey(key).prove("dialer", transcript));
      expect(raw.find("refused")?.[0]).toBe("SESSION_LOST");
    });
    it.each<[string, (raw: RawPeer) => void]>([
      ["without a challenge", (raw) => raw.control(["resumed", { token: "0".repeat(64), next: 1, first: 1 }])],
      [
        "without a proof",
        (raw) => {
          raw.control(["challenge", { listener: "0".repeat(32), nonce }]);
          raw.control(["resumed", { token: "0".repeat(64), next: 1, first: 1, proof: "00".repeat(32) }]);
        },
      ],
    ])("an impostor that answers %s gets nothing, and the session comes back to the right one", async (_name, answer) => {
      const { near, far, stand } = await session();
      const impostors: RawPeer[] = [];
      stand((link) => {
        const raw = new RawPeer(link);
        impostors.push(raw);
        answer(raw);
      });
      network.cut();
      network.heal();
      const sent = far.send("for the right one");
      await network.advance(100);
      expect(impostors.length).toBeGreaterThan(1);
      expect(far.status.state).toBe("reconnecting");
      for (const { heard } of impostors) expect(heard.some((frame) => frame.includes("send"))).toBe(false);
      stand(undefined);
      await network.advance(100);
      expect((await near.receive()).value).toBe("for the right one");
      await sent;
    });
  });

  /** The name of a listener, as it says it to anybody. */
  async function name(listener: LinkListener): Promise<string> {
    return (await challenged(listener)).transcript.listener;
  }
});

describe("over WebSocket", () => {
  it("lets in who knows it, under the name that was dialed", async () => {
    const bytes = randomBytes(32);
    await using listener = await listen<string, string>(0, { key: bytes });
    await using far = await dial<string, string>(listener.url.replace("127.0.0.1", "localhost"), { key: bytes });
    void far.send("tea");
    expect((await listener.receive()).value).toBe("tea");
    expect(await errorOf(dial(listener.url, { key: randomBytes(32) }))).toMatchObject({ code: "SESSION_REFUSED" });
    expect(await errorOf(dial(listener.url))).toMatchObject({ code: "SESSION_REFUSED" });
  });
  it("somebody in between, dialed by another name, who passes everything on is not let in", async () => {
    await using listener = await listen<string, string>(0, { key });
    const server = createServer().listen(0, "127.0.0.1");
    const between = new WebSocketServer({ server });
    between.on("connection", (here) => {
      const there = new WebSocket(listener.url);
      const early: string[] = [];
      here.on("message", (text) => (there.readyState === there.OPEN ? there.send(String(text)) : early.push(String(text))));
      there.on("open", () => {
        for (const text of early.splice(0)) there.send(text);
      });
      there.on("message", (text) => here.send(String(text)));
      there.on("close", () => here.close());
    });
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as { port: number };
    try {
      expect(await errorOf(dial(`ws://127.0.0.1:${port}`, { key }))).toMatchObject({ code: "SESSION_REFUSED" });
      expect(listener.connected.size).toBe(0);
    } finally {
      between.close();
      server.close();
    }
  });
});

it.each([
  ["too short", "short", RangeError],
  ["a number", 5, TypeError],
  ["null", null, TypeError],
])("a key that is %s throws at once", async (_name, given, kind) => {
  expect(() => dial("ws://localhost:1", { key: given as never })).toThrow(kind);
  await expect(listen(0, { key: given as never })).rejects.toThrow(kind);
});
