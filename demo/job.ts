/**
 * The job on the server: hands the ranges out, collects the counts, tells every tab how it goes.
 * Invariant: each range is in the hands of at most one tab, and is counted once.
 */
import { ask, chan, type Listener, type Peer, pipe, type SendChannel } from "netchan";
import { Board } from "./board.js";
import { type FromTab, isFromTab, isResult, type Progress, type Range, type Result, type Task } from "./messages.js";

/** Runs until the listener is closed. @param limit - primes below this are counted */
export async function runJob(listener: Listener<FromTab, Task>, limit: number): Promise<void> {
  const board = new Board(limit);
  const feeds = new Map<string, SendChannel<Progress>>();

  // #region shown
  const { send } = listener; // To whichever tab asks first.

  async function handOut(range: Range): Promise<Result> {
    while (true) {
      try {
        return await ask(send, (reply) => ({ ...range, reply }));
      } catch (error) {
        if (send.closed) throw error;
      } // The tab went away with the range: hand it out again.
    }
  }
  // #endregion

  void countAll();
  for (;;) {
    const next = await listener.receive();
    if (next.done) return;
    const { value: message, from: peer } = next;
    if (peer === undefined || !isFromTab(message)) continue;
    if (message.kind === "join") join(peer, message.progress);
    else if (board.complete) {
      board.clear();
      tellAll();
      void countAll();
    }
  }

  /** All ranges at once: they stand in line until a tab asks, and each tab asks for one at a time. */
  async function countAll(): Promise<void> {
    try {
      await Promise.all(board.ranges.map(countOne));
    } catch (error) {
      if (!send.closed) throw error;
    }
  }

  async function countOne(range: Range, index: number): Promise<void> {
    let result: Result;
    do result = await handOut(range);
    while (!isResult(result, range) || !board.knows(result.by));
    board.record(index, result);
    tellAll();
  }

  /** A slow tab is never waited for, and nothing piles up for it: what stands between it and the job holds the newest state only. */
  function join(peer: Peer, progress: SendChannel<Progress>): void {
    if (feeds.has(peer.id)) return;
    const newest = chan<Progress>({ capacity: 1, whenFull: "drop-oldest" });
    feeds.set(peer.id, newest.send);
    board.join(peer.id);
    tellAll();
    pipe(newest.receive, progress).catch(() => newest.receive.close()); // Rejects when the tab is gone.
    void peer.ended.then(() => {
      feeds.delete(peer.id);
      board.leave(peer.id);
      tellAll();
    });
  }

  function tellAll(): void {
    for (const [id, tell] of feeds) void tell(board.progressFor(id));
  }
}
