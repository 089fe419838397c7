/** The tab: takes part in the job for as long as the page is open, over one session after the other, and shows how it goes. */
import { chan, NetchanError, type Peer, type ReceiveChannel, sessions } from "netchan";
import { countInWorker } from "./counter.js";
import type { FromTab, Progress, Range, Task } from "./messages.js";
import { Pause } from "./pause.js";
import * as view from "./view.js";

type Server = Peer<Task, FromTab>;

const address = new URL("/channel", location.href);
address.protocol = location.protocol === "https:" ? "wss:" : "ws:";

const pause = new Pause();
let present: Server | undefined;

view.onPause(() => {
  if (pause.paused) pause.resume();
  else pause.pause();
  view.showPaused(pause.paused);
});
view.onAgain(() => void present?.send({ kind: "again" }));
addEventListener("pagehide", () => present?.abort()); // Says goodbye, so that what is in hand goes to another tab at once.

for await (const session of sessions<Task, FromTab>(address, { reconnect: { maxMs: 2_000 } })) {
  present = session;
  try {
    await takePart(session);
  } catch (error) {
    if (session.status.state !== "ended") throw error; // Else it is why the session ended, and the next one follows.
  }
  view.showHolding(undefined);
}

/** Until the session ends. */
async function takePart(peer: Server): Promise<void> {
  void showStatuses(peer);
  const progress = chan<Progress>();
  void showProgress(progress.receive);
  await peer.send({ kind: "join", progress: progress.send });
  let running: AbortSignal;
  do {
    await Promise.race([pause.resumed(), peer.ended]);
    running = pause.running;
    await work(peer, running);
  } while (running.aborted && peer.status.state !== "ended");
}

// #region shown
/** Asks for a range, counts, answers, asks for the next. */
async function work(server: Server, signal: AbortSignal) {
  for await (const task of server.receive.values({ signal })) {
    const primes = await count(task);
    await task.reply({ primes, by: server.id });
  } // Pausing aborts the signal: no asking, so no range waits.
}
// #endregion

async function count({ from, to }: Range): Promise<number> {
  view.showHolding({ from, to });
  const primes = await countInWorker({ from, to });
  view.showHolding(undefined);
  return primes;
}

async function showProgress(progress: ReceiveChannel<Progress>): Promise<void> {
  try {
    for await (const state of progress) view.showProgress(state);
  } catch (error) {
    if (!NetchanError.is(error)) throw error; // The session is over.
  }
}

async function showStatuses(peer: Server): Promise<void> {
  for await (const { state } of peer.statuses()) view.showStatus(state === "connected" ? "Connected" : "Connecting …");
}
