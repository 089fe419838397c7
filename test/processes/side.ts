/** One side of one session, in a child process: does what the test says and reports what becomes of it. */
import { openSync, writeSync } from "node:fs";
import { ask, NetchanError, type Peer, type SendChannel } from "../../src/node.js";
import { faultOf, isQuestion, type Numbered, numbered } from "./numbered.js";
import type { Command, FlowSettings, Report, Told } from "./words.js";

export function report(said: Report): void {
  if (process.connected) process.send?.(said);
}

/** Receives that wait at the same time: a cut finds several offers open. */
const receiving = 16;
/** Wrong messages that are described. */
const mostDescribed = 5;

interface Question {
  readonly reply: SendChannel<string>;
}

/** What of a value can be told over IPC. */
function plain(value: unknown): string | number | null {
  return typeof value === "string" ? value : ((value as Partial<Numbered>).n ?? null);
}

function told(error: unknown): Told {
  if (!NetchanError.is(error)) throw error;
  return { code: error.code, outcome: error.outcome };
}

export class Side {
  #finish = (): void => {};

  constructor(
    readonly peer: Peer,
    readonly at: number,
  ) {
    report({ kind: "peer", at, id: peer.id });
    void this.#watch();
    void peer.ended.then(({ reason, error, undelivered }) => {
      const left = undelivered.map(({ value, outcome }) => ({ value: plain(value), outcome }));
      report({ kind: "ended", at, id: peer.id, reason, code: error?.code, ms: performance.now(), undelivered: left });
    });
  }

  async #watch(): Promise<void> {
    for await (const { state } of this.peer.statuses()) report({ kind: "status", at: this.at, state, ms: performance.now() });
  }

  async obey(command: Extract<Command, { readonly at: number }>): Promise<void> {
    switch (command.do) {
      case "flow":
        await this.#flow(command);
        return;
      case "finish":
        this.#finish();
        return;
      case "send":
        await this.#single(
          command.label,
          this.peer.send(command.value).then(() => ({})),
        );
        return;
      case "ask":
        await this.#single(
          command.label,
          ask(this.peer.send as SendChannel<Question>, (reply: SendChannel<string>) => ({ reply })).then((value) => ({ value })),
        );
        return;
      case "receive":
        await this.#single(
          command.label,
          this.peer.receive().then((received) => ({ value: received.done ? "done" : plain(received.value) })),
        );
    }
  }

  async #single(label: string, operation: Promise<{ readonly value?: unknown }>): Promise<void> {
    const { at } = this;
    try {
      report({ kind: "settled", at, label, ...(await operation) });
    } catch (error) {
      report({ kind: "settled", at, label, error: told(error) });
    }
  }

  /** Sends and receives numbered messages, both at once, until told to finish or until the session is over. */
  async #flow(settings: FlowSettings): Promise<void> {
    const [sent, received] = await Promise.all([this.#send(settings), this.#receive(settings)]);
    report({ kind: "flow", at: this.at, ...sent, ...received });
  }

  async #send({ ahead, questions = false }: FlowSettings) {
    const counts = { started: 0, fulfilled: 0, asked: 0, answered: 0 };
    const rejected: (Told & { readonly n: number })[] = [];
    let open = 0;
    let stopping = false;
    let wake = (): void => {};
    this.#finish = () => {
      stopping = true;
      wake();
    };
    const send = this.peer.send as SendChannel<Numbered>;
    const one = async (n: number): Promise<void> => {
      try {
        if (questions && isQuestion(n)) {
          counts.asked++;
          const answer = await ask(send, (reply: SendChannel<number>) => ({ ...numbered(n), reply }));
          if (answer === n) counts.answered++;
        } else await send(numbered(n));
        counts.fulfilled++;
      } catch (error) {
        rejected.push({ n, ...told(error) });
        stopping = true;
      }
      open--;
      wake();
    };
    while (!stopping || open > 0) {
      if (!stopping && open < ahead) {
        open++;
        void one(++counts.started);
      } else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
    send.close();
    return { ...counts, rejected: rejected.sort((a, b) => a.n - b.n) };
  }

  async #receive({ journal }: FlowSettings) {
    const file = journal === undefined ? undefined : openSync(journal, "a");
    const wrong: string[] = [];
    let received = 0;
    const { receive } = this.peer;
    const waiting = Array.from({ length: receiving }, () => receive());
    try {
      for (let next = await waiting.shift(); next !== undefined && !next.done; next = await waiting.shift()) {
        const message = next.value as Numbered;
        if (file !== undefined) writeSync(file, `${message.n}\n`);
        waiting.push(receive());
        const fault = faultOf(message, ++received);
        if (fault !== undefined && wrong.length < mostDescribed) wrong.push(fault);
        message.reply?.(message.n).then(
          () => message.reply?.[Symbol.dispose](),
          () => {}, // the session is over: so says the flow itself
        );
        if (received % 100 === 0) report({ kind: "progress", at: this.at, received });
      }
    } catch (error) {
      return { received, wrong, stopped: told(error).code };
    }
    return { received, wrong, stopped: null };
  }
}

/** Obeys the test until it says to leave; a process whose test is gone goes too. */
export function serve(sides: readonly (Side | undefined)[], does: { leave(): Promise<unknown>; listen?(): Promise<unknown> }): void {
  const orphaned = (): void => process.exit(1);
  process.on("disconnect", orphaned);
  process.on("message", (command: Command) => void obey(command));

  async function obey(command: Command): Promise<void> {
    if (command.do === "listen") await does.listen?.();
    else if (command.do !== "leave") await sideAt(command.at).obey(command);
    else {
      await does.leave();
      process.off("disconnect", orphaned);
      process.disconnect();
    }
  }
  function sideAt(at: number): Side {
    const side = sides[at];
    if (side === undefined) throw new Error(`There is no session at ${at} yet`);
    return side;
  }
}
