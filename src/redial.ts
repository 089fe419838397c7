/**
 * How a dialer gets its session a new link. Layer: dial.
 *
 *     lost ──wait──▶ try ──resumed──▶ attached          wait: a random time up to minMs · 2^n, at most maxMs ("full jitter")
 *       ▲             ├─ nobody, wrong door ─▶ lost      the window ends ─▶ one last try ─▶ the session is lost
 *       └─────────────┘  refused ─▶ the session has ended
 *
 * Invariants: the listener alone judges whether the session still exists, as long as it can be asked; of this dialer's attempts only one
 * at a time shows its token; a hidden page does not try again and again.
 * Source: PROTOCOL.md "Resume"; backoff: Brooker, "Exponential Backoff And Jitter", AWS 2015.
 */
import { type Comeback, lose, type Returning } from "./comeback.js";
import type { Link } from "./contract.js";
import type { Timer } from "./core/clock.js";
import { NetchanError } from "./errors.js";
import { type Door, knock, provesAt, race } from "./race.js";
import { deadline } from "./session/deadline.js";
import { type Batches, inTime, type Resumed } from "./session/handshake.js";
import type { Host, PageEvent } from "./session/host.js";
import { type Proves, resume } from "./session/introduce.js";
import type { KeyProof } from "./session/key-proof.js";
import { closeLink } from "./session/link.js";
import type { Finish } from "./session/session.js";

export interface RedialSettings {
  readonly host: Host;
  readonly doors: readonly Door[];
  readonly credentials: () => Promise<unknown>;
  readonly key: KeyProof | undefined;
  readonly minMs: number;
  readonly maxMs: number;
  /** As the listener has it. */
  readonly windowMs: number;
  readonly session: string;
  readonly listener: string;
  readonly token: string;
}

type Answer = { readonly answer: Resumed; readonly link: Link; readonly batches: Batches } | { readonly finish: Finish };

/** When the window is over an attempt may take this much longer, milliseconds: it is the listener who judges, if it can be asked. */
const lastAttemptMs = 1_000;
/** How long one link has for its answer while another that is open waits to ask, milliseconds. */
const headStartMs = 1_000;
/** An attempt that is younger than this is not given up for another, milliseconds. */
const youngMs = 1_000;
/** A link that does not answer within this time when a page wakes up is given up, milliseconds. */
const wakeMs = 5_000;

/** How a session ends that its listener does not resume. */
function finishOf(error: NetchanError): Finish {
  if (error.code === "SESSION_CLOSED") return { reason: "closed", error: undefined };
  if (error.code === "SESSION_LOST") return { reason: "lost", error };
  return { reason: error.code === "SESSION_REFUSED" || error.code === "VERSION_MISMATCH" ? "refused" : "aborted", error };
}

/** The right to show the token: of one link at a time. */
class Turn {
  #done = false;
  #next: (() => void) | undefined;

  constructor(readonly link: Link) {}

  /** Resolves when the link has had its answer, or has had its time. */
  yield(host: Host): Promise<void> {
    if (this.#done) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = host.clock.start(headStartMs, () => {
        closeLink(this.link, "another address was asked");
        resolve();
      });
      this.#next = () => {
        timer.cancel();
        resolve();
      };
    });
  }
  over(): void {
    this.#done = true;
    this.#next?.();
  }
}

export class Redial implements Comeback {
  #token: string;
  #epoch = 0;
  #attempt = 0;
  #error: NetchanError | undefined;
  #endsAt = 0;
  #window: Timer | undefined;
  #retry: Timer | undefined;
  #trying: AbortController | undefined;
  #triedAt = 0;
  #wrongDoors = false;
  /** Links on which a listener has been asked and has not answered. */
  #asking = 0;
  /** The window is over: this attempt is the last. */
  #last = false;
  /** The page was left; it may be shown again. */
  #left = false;
  #probe: Timer | undefined;
  readonly #unwatch: (() => void) | undefined;

  constructor(
    readonly peer: Returning,
    readonly settings: RedialSettings,
  ) {
    this.#token = settings.token;
    const page = settings.host.page?.();
    this.#unwatch = page?.watch((event) => this.#page(event));
    if (page?.hidden) peer.session.hide(true);
  }

  // ── what the session says ──

  lost(error: NetchanError): void {
    const { host, windowMs } = this.settings;
    this.#error = error;
    this.#attempt = 0;
    this.#last = false;
    this.#endsAt = host.clock.now() + windowMs;
    this.#window?.cancel();
    this.#window = deadline(host.clock, windowMs, () => this.#expire());
    if (this.#trying === undefined) this.#later(error);
    else this.#tell(); // an attempt that was asked for is under way
  }
  returned(): void {
    this.#attempt = 0;
    this.#error = undefined;
    this.#stop();
    this.#probe?.cancel(); // of the link before
  }
  over(): void {
    this.#stop();
    this.#probe?.cancel();
    this.#unwatch?.();
    this.#trying?.abort(new NetchanError("SESSION_CLOSED", "the session has ended"));
    this.#trying = undefined;
  }
  #stop(): void {
    this.#window?.cancel();
    this.#retry?.cancel();
    this.#window = this.#retry = undefined;
  }

  // ── attempts ──

  /** The application, or the page, would like a link now; one that is there is replaced only when the new one is. */
  now(): void {
    const { host } = this.settings;
    if (this.peer.session.ended !== undefined || this.#left) return;
    // Pages wake with several events at once, and impatient people press twice.
    if (this.#trying !== undefined && host.clock.now() - this.#triedAt < youngMs) return;
    this.#retry?.cancel();
    this.#retry = undefined;
    this.#trying?.abort(new NetchanError("DIAL_FAILED", "another attempt was asked for"));
    this.#try();
  }

  #later(error: NetchanError): void {
    const { host, minMs, maxMs } = this.settings;
    this.#error = error;
    // Where another process answers the network is well: the next door may be the right one.
    const doublings = this.#wrongDoors ? 0 : this.#attempt;
    this.#wrongDoors = false;
    const patient = this.#left || (this.#attempt > 0 && host.page?.()?.hidden === true);
    const retryInMs = patient ? undefined : host.random() * Math.min(maxMs, minMs * 2 ** doublings);
    this.#attempt++;
    this.#tell(retryInMs);
    this.#retry?.cancel();
    this.#retry = retryInMs === undefined ? undefined : host.clock.start(retryInMs, () => this.#try());
  }
  #tell(retryInMs?: number): void {
    const error = this.#error;
    if (error === undefined) return;
    const when = retryInMs === undefined ? {} : { retryInMs };
    this.peer.reconnecting({ endsAt: this.#endsAt, error, attempt: Math.max(1, this.#attempt), ...when });
  }

  #try(): void {
    const trying = new AbortController();
    this.#trying = trying;
    this.#triedAt = this.settings.host.clock.now();
    this.#retry = undefined;
    let turn: Turn | undefined;
    const enter = async (door: Door, signal: AbortSignal): Promise<Answer> => {
      const credentials = await inTime(this.settings.host, "credentials", this.settings.credentials());
      return await knock(door, this.settings.listener, signal, async (link, batches) => {
        const before = turn;
        const mine = new Turn(link);
        turn = mine;
        // Two links that show a token would take the session from each other: the first has a head start, and then its chance is over.
        await before?.yield(this.settings.host);
        return await this.#ask(link, batches, signal, credentials, provesAt(door, this.settings.key)).finally(() => mine.over());
      });
    };
    const leave = (won: Answer): void => {
      if ("link" in won) closeLink(won.link, "another address was faster");
    };
    race(this.settings.doors, enter, leave, trying.signal).then(
      (won) => {
        if (this.#trying !== trying) leave(won);
        else this.#answered(won);
      },
      (error: unknown) => {
        if (this.#trying === trying) this.#failed(error);
      },
    );
  }

  async #ask(link: Link, batches: Batches, signal: AbortSignal, credentials: unknown, proves: Proves | undefined): Promise<Answer> {
    signal.throwIfAborted();
    const { host, session, listener } = this.settings;
    const position = this.peer.session.position;
    const token = this.#token;
    const epoch = ++this.#epoch;
    this.#asking++;
    const asked = { kind: "resume", session, listener, token, epoch, ...position, credentials: credentials ?? null } as const;
    const answer = await resume(link, batches, host, asked, proves).finally(() => this.#asking--);
    // Of an attempt that was given up, or that another has followed, nothing holds: neither a token nor a refusal.
    signal.throwIfAborted();
    if (epoch !== this.#epoch) throw new NetchanError("DIAL_FAILED", "another attempt followed");
    if (answer.kind === "wrong-door") {
      this.#wrongDoors = true;
      throw new NetchanError("DIAL_FAILED", "another process than the session's answered");
    }
    if (answer.kind !== "resumed") {
      closeLink(link, "the session has ended");
      return { finish: answer.kind === "end" ? { reason: "aborted", error: answer.error } : finishOf(answer.error) };
    }
    this.#token = answer.token;
    return { answer, link, batches };
  }

  #answered(won: Answer): void {
    this.#trying = undefined;
    const { session } = this.peer;
    if ("finish" in won) session.finish(won.finish);
    else session.attach(won.link, won.batches, won.answer);
  }
  #failed(error: unknown): void {
    this.#trying = undefined;
    const { session } = this.peer;
    if (session.ended !== undefined || session.linked) return;
    const failure = NetchanError.is(error) ? error : new NetchanError("DIAL_FAILED", "no link could be opened", { cause: error });
    if (this.#last) lose(session, `nobody could be reached for ${this.settings.windowMs} ms`, failure);
    else this.#later(failure);
  }

  /** Too late for a session that was really gone; but if its listener was away as long as we were, it knows better. */
  #expire(): void {
    if (this.#last) {
      // Who is being asked may still say yes; how long that may take is the handshake's to say.
      if (this.#asking === 0) this.#trying?.abort(new NetchanError("DIAL_FAILED", "the window is over"));
      return;
    }
    this.#last = true;
    this.#window = this.settings.host.clock.start(lastAttemptMs, () => this.#expire(), "idle");
    this.#retry?.cancel();
    if (this.#trying === undefined) this.#try();
  }

  // ── the page ──

  #page(event: PageEvent): void {
    const { session } = this.peer;
    if (event === "left") {
      this.#left = true;
      this.#retry?.cancel();
      this.#trying?.abort(new NetchanError("DIAL_FAILED", "the page was left"));
      session.unlink("the page was left");
    } else if (event === "hidden") session.hide(true);
    else {
      this.#left = false;
      session.hide(this.settings.host.page?.()?.hidden === true);
      if (!session.linked) this.now();
      else if (!session.fresh) this.#check();
    }
  }
  /** A link that fell asleep with the page may be dead without anybody having said so. */
  #check(): void {
    if (this.#probe !== undefined) return;
    const { session } = this.peer;
    const { clock } = this.settings.host;
    const forget = session.ping(
      () => this.#probe?.cancel(),
      () => this.#probe?.cancel(),
    );
    const timer = clock.start(
      wakeMs,
      () => {
        this.#probe?.cancel();
        session.unlink("the link did not survive the sleep");
      },
      "idle",
    );
    this.#probe = {
      cancel: () => {
        this.#probe = undefined;
        timer.cancel();
        forget();
      },
    };
  }
}
