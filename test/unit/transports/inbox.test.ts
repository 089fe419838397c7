import { describe, expect, it } from "vitest";
import { Inbox } from "../../../src/transports/inbox.js";

function inbox() {
  const brakes: string[] = [];
  return { box: new Inbox({ pause: () => brakes.push("pause"), resume: () => brakes.push("resume") }), brakes };
}
const done = { done: true, value: undefined };
const value = (batch: string | Uint8Array) => ({ done: false, value: batch });

describe("Inbox", () => {
  it("gives batches in order, whoever comes first", async () => {
    const { box } = inbox();
    const [first, second] = [box.next(), box.next()];
    for (const batch of ["1", "2", "3", ""]) box.put(batch);
    expect(await Promise.all([first, second, box.next(), box.next()])).toEqual(["1", "2", "3", ""].map(value));
  });

  it("gives what waits before its end", async () => {
    const { box } = inbox();
    box.put("1");
    box.end();
    box.put("late");
    expect([await box.next(), await box.next(), await box.next()]).toEqual([value("1"), done, done]);
  });

  it("gives what waits before its failure, and the failure once", async () => {
    const { box } = inbox();
    box.put("1");
    box.end(new Error("broken"));
    box.end(new Error("again"));
    expect(await box.next()).toEqual(value("1"));
    await expect(box.next()).rejects.toThrow("broken");
    expect(await box.next()).toEqual(done);
  });

  it("ends the readers that wait", async () => {
    const { box } = inbox();
    const [first, second] = [box.next(), box.next()];
    box.end(new Error("broken"));
    await expect(first).rejects.toThrow("broken");
    expect([await second, await box.next()]).toEqual([done, done]);
  });

  it("pauses at 256 batches and resumes at half", async () => {
    const { box, brakes } = inbox();
    for (let count = 1; count < 256; count += 1) box.put("");
    expect(brakes).toEqual([]);
    box.put("");
    box.put("");
    expect(brakes).toEqual(["pause"]);
    for (let count = 257; count > 129; count -= 1) await box.next();
    expect(brakes).toEqual(["pause"]);
    await box.next();
    expect(brakes).toEqual(["pause", "resume"]);
  });

  it("pauses at 1 MiB", async () => {
    const { box, brakes } = inbox();
    box.put(new Uint8Array(1024 * 1024 - 1));
    expect(brakes).toEqual([]);
    box.put("x");
    expect(brakes).toEqual(["pause"]);
    await box.next();
    expect(brakes).toEqual(["pause", "resume"]);
  });

  it("does not pause for a reader that keeps up", async () => {
    const { box, brakes } = inbox();
    for (let count = 0; count < 1_000; count += 1) {
      const next = box.next();
      box.put(new Uint8Array(4_096));
      await next;
    }
    expect(brakes).toEqual([]);
  });

  it("keeps the order through thousands of partial reads", async () => {
    const { box } = inbox();
    const read: unknown[] = [];
    let put = 0;
    for (let round = 1; round <= 60; round += 1) {
      for (let count = 0; count < round; count += 1) box.put(String(put++));
      for (let count = 0; count < round - 1; count += 1) read.push((await box.next()).value);
    }
    box.end();
    for await (const batch of box) read.push(batch);
    expect(read).toEqual(Array.from({ length: put }, (_, index) => String(index)));
  });

  it("holds nothing up any more once it has ended", () => {
    const { box, brakes } = inbox();
    for (let count = 0; count < 300; count += 1) box.put("");
    box.end();
    expect(brakes).toEqual(["pause", "resume"]);
  });

  it("drops everything when its reader leaves", async () => {
    const { box, brakes } = inbox();
    for (let count = 0; count < 300; count += 1) box.put("");
    for await (const _ of box) break;
    box.put("late");
    expect([await box.next(), brakes]).toEqual([done, ["pause", "resume"]]);
  });
});
