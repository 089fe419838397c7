/** What is said in place of a hello or a welcome: the link is refused, nothing is kept of it, and nobody else notices. */
import { describe, expect, it } from "vitest";
import { dial } from "../../src/node.js";
import { memoryNetwork } from "../../src/testing.js";
import { bytes, nested, violation, withText } from "./acts.js";
import { limits, RawPeer, stranger, welcome as welcomed } from "./raw-peer.js";

describe("a stranger that does not say hello as it should", () => {
  const hello = (changes: object): string => JSON.stringify([["hello", { version: 1, limits, credentials: null, ...changes }]]);
  const rows: readonly (readonly [string, string | Uint8Array, string])[] = [
    ["nothing", "", violation],
    ["garbage", "hello!", violation],
    ["bytes", bytes(1, 2, 3, 4, 5), violation],
    ["a hello in bytes", withText(hello({}).slice(0, 200)), violation],
    ["a numbered frame", `[[1,"ready"]]`, violation],
    ["a ping", `[["ping",1]]`, violation],
    ["a welcome", `[["welcome",{}]]`, violation],
    ["an ack", `[["ack",0]]`, violation],
    ["two hellos", `[${hello({}).slice(1, -1)},${hello({}).slice(1, -1)}]`, violation],
    ["a hello and its ready", `[${hello({}).slice(1, -1)},[1,"ready"]]`, violation],
    ["a hello of 4,097 characters", hello({ credentials: "x".repeat(4_097 - hello({ credentials: "" }).length) }), violation],
    ["a hello of a megabyte", hello({ credentials: "x".repeat(2 ** 20) }), violation],
    ["a hello of null", `[["hello",null]]`, violation],
    ["a hello of a list", `[["hello",[]]]`, violation],
    ["a hello of text", `[["hello","hello"]]`, violation],
    ["nested lists", nested(2_000), violation],
    ["no version", `[["hello",{}]]`, violation],
    ["a version of text", hello({ version: "1" }), violation],
    ["version 2", hello({ version: 2 }), "VERSION_MISMATCH"],
    ["no limits", hello({ limits: undefined }), violation],
    ["limits that are inherited", `[["hello",{"version":1,"limits":{"__proto__":${JSON.stringify(limits)}}}]]`, violation],
    ["limits of 0", hello({ limits: { ...limits, maxFrameBytes: 0 } }), violation],
    ["limits that are fractions", hello({ limits: { ...limits, maxChannels: 1.5 } }), violation],
    ["limits of text", hello({ limits: { ...limits, maxValueBytes: "9" } }), violation],
    ["infinite limits", hello({}).replace(String(limits.maxChannels), "1e400"), violation],
  ];
  it.each(rows)("%s", async (_name, first, code) => {
    const { network, raw, listener, pingPong } = await stranger();
    raw.raw(first);
    await network.settle();
    expect(raw.heard).toEqual([["refused", code, expect.any(String)]]);
    expect(raw.closed).toBe(true);
    expect(listener.connected.size).toBe(1);
    await pingPong();
  });

  it("takes a hello of 4,096 characters", async () => {
    const { network, raw } = await stranger();
    raw.raw(hello({ credentials: "x".repeat(4_096 - hello({ credentials: "" }).length) }));
    await network.settle();
    expect(raw.heard[0]?.[0]).toBe("welcome");
  });

  it("silence for 10 s", async () => {
    const { network, raw, pingPong } = await stranger();
    await network.advance(9_999);
    expect(raw.closed).toBe(false);
    await network.advance(2);
    expect(raw.heard).toEqual([]); // a link that was too slow says nothing of the session its dialer may have
    expect(raw.closed).toBe(true);
    await pingPong();
  });

  it("1,000 silent ones take no place for good", async () => {
    const { network, listener, pingPong } = await stranger();
    const open = network.address(listener.accept);
    for (let count = 0; count < 1_100; count++) await open({ signal: new AbortController().signal });
    await network.advance(10_001);
    await pingPong();
    expect((await dial(network.address(listener.accept))).status.state).toBe("connected");
  });
});

describe("a listener that does not welcome as it should", () => {
  const { session } = welcomed;
  const welcome = (changes: object): string => JSON.stringify([["welcome", { ...welcomed, ...changes }]]);
  const rows: readonly (readonly [string, string | Uint8Array, string])[] = [
    ["garbage", "welcome!", violation],
    ["bytes", bytes(0, 0), violation],
    ["a numbered frame", `[[1,"limit",2,1]]`, violation],
    ["a hello", `[["hello",{}]]`, violation],
    ["a welcome and more", `[${welcome({}).slice(1, -1)},[1,"drain",5000]]`, violation],
    ["a welcome of null", `[["welcome",null]]`, violation],
    ["a session called __proto__", welcome({ session: "__proto__" }), violation],
    ["a session in capitals", welcome({ session: session.toUpperCase() }), violation],
    ["a session with a line feed", welcome({ session: `${session}\n` }), violation],
    ["a capacity below zero", welcome({ capacity: -1 }), violation],
    ["a heartbeat of 0", welcome({ heartbeatMs: 0 }), violation],
    ["no limits", welcome({ limits: null }), violation],
    ["no listener", welcome({ listener: undefined }), violation],
    ["a listener called constructor", welcome({ listener: "constructor" }), violation],
    ["no token", welcome({ token: undefined }), violation],
    ["a token that is a number", welcome({ token: 5 }), violation],
    ["a token of a megabyte", welcome({ token: "0".repeat(2 ** 20) }), violation],
    ["a window of 0", welcome({ resumeWindowMs: 0 }), violation],
    ["a window below zero", welcome({ resumeWindowMs: -1 }), violation],
    ["a wrong door", `[["wrong-door"]]`, violation],
    ["a resumed", `[["resumed",{"token":"${welcomed.token}","next":1,"first":1}]]`, violation],
    ["a refusal", `[["refused","SESSION_REFUSED","go away"]]`, "SESSION_REFUSED"],
    ["a refusal with a code of its own", `[["refused","constructor",5]]`, violation],
    ["an end", `[["end","LIMIT_EXCEEDED","full"]]`, "LIMIT_EXCEEDED"],
  ];
  it.each(rows)("%s", async (_name, answer, code) => {
    const network = memoryNetwork();
    let raw: RawPeer | undefined;
    const dialed = dial(
      network.address((link) => {
        raw = new RawPeer(link);
      }),
    );
    const refused = expect(dialed).rejects.toMatchObject({ code });
    await network.settle();
    raw?.raw(answer);
    await network.settle();
    await refused;
    expect(raw?.closed).toBe(true);
  });

  it("silence for 10 s", async () => {
    const network = memoryNetwork();
    let raw: RawPeer | undefined;
    const dialed = dial(
      network.address((link) => {
        raw = new RawPeer(link);
      }),
    );
    const refused = expect(dialed).rejects.toMatchObject({ code: "DIAL_FAILED" });
    await network.advance(10_001);
    await refused;
    expect(raw?.closed).toBe(true);
  });
});
