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
    await Promise.all(board.ranges.map(countOne));
  }

  async function countOne(range: Range, index: number): Promise<void> {
    const result = await handOut(range).catch(() => undefined);
    if (result === undefined) return; // The listener was closed.
    board.record(index, result);
    tellAll();
  }

  // #region shown
  /** Gives a range to the tab that asks first, and waits for its answer. */
  async function handOut({ from, to }: Range): Promise<Result> {
    while (true) {
      try {
        const result = await ask(listener.send, (reply) => ({ from, to, reply }));
        if (isResult(result, { from, to }) && board.knows(result.by)) return result;
      } catch (error) {
        if (listener.send.closed) throw error;
      } // The tab went away with the range in hand: the next one gets it.
    }
  }
  // #endregion

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
    for (const [id, send] of feeds) void send(board.progressFor(id));
  }
}
