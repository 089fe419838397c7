/**
 * Who comes in: new sessions, and sessions that come back over a new link. Layer: listen.
 *
 * Invariants: nothing is done for a resume before its token has proved right, and then a higher epoch than any before takes the session
 * over, whatever its old link looks like; `authenticate` runs for every link; who may not come in learns only that.
 * Source: PROTOCOL.md "Handshake", "Resume".
 */
import { dequal } from "dequal";
import { Budget } from "./budget.js";
import { Await } from "./comeback.js";
import type { Link, ListenOptions } from "./contract.js";
import type { Timer } from "./core/clock.js";
import { NetchanError, plainMessage } from "./errors.js";
import { hostOf } from "./host.js";
import type { CheckedOptions } from "./options.js";
import { type Merged, SessionPeer } from "./peer.js";
import { challenge, readGreeting, writeEnd, writeRefusal, writeResumed, writeWelcome, wrongDoor } from "./session/greet.js";
import { type Batches, type Hello, inTime, type Resume, sendSafely, told } from "./session/handshake.js";
import { type Host, unguessableId } from "./session/host.js";
import { admit, closeLink, type LinkRequest } from "./session/link.js";
import type { Finish } from "./session/session.js";
import { Strangers } from "./strangers.js";
import { Ticket } from "./ticket.js";

/** A session, as long as its dialer may come back for it. */
interface Known {
  readonly peer: SessionPeer;
  readonly ticket: Ticket;
  readonly waiting: Await;
  epoch: number;
}
/** What is kept of one that has ended, for a dialer that comes too late to have heard. */
interface Past {
  readonly ticket: Ticket;
  readonly finish: Finish;
  readonly until: number;
}

/** A link that was read the first word of. */
interface Stranger {
  readonly link: Link;
  readonly batches: Batches;
  readonly host: Host;
  readonly request: LinkRequest;
  /** That this side knows the key, for whoever has proved it. */
  readonly proof: string | undefined;
}

/** To whoever shows a session that is not here, not any more, or not with that token: all the same. */
function unknownSession(): NetchanError {
  return new NetchanError("SESSION_LOST", "there is no such session");
}
/** A link of an attempt that another has overtaken. */
class Overtaken extends Error {}
/** A link of somebody who has been refused too often to be answered. */
class Unanswered extends Error {}
/** The session is over: its dialer gets the word that it missed. */
class Missed extends Error {
  constructor(readonly finish: Finish) {
    super();
  }
}

function answerTo(error: unknown): string | undefined {
  if (error instanceof Overtaken || error instanceof Unanswered) return undefined;
  if (error instanceof Missed) {
    const { reason, error: cause } = error.finish;
    if (cause === undefined) return writeRefusal("SESSION_CLOSED", "the session was closed");
    return (reason === "aborted" ? writeEnd : writeRefusal)(cause.code, plainMessage(cause));
  }
  const refusal = NetchanError.is(error) ? error : new NetchanError("SESSION_REFUSED", "not admitted");
  // A link that failed, or was too slow, says nothing about a session: its dialer may try another.
  return refusal.scope === "link" ? undefined : writeRefusal(refusal.code, plainMessage(refusal));
}

/** Why somebody was not let in, if that is anybody's business: that a session was over, or taken by another link, is daily life. */
function refusalOf(error: unknown): NetchanError | undefined {
  if (error instanceof Overtaken || error instanceof Missed) return undefined;
  if (error instanceof Unanswered) return new NetchanError("SESSION_REFUSED", "links from its address were refused too often");
  return NetchanError.is(error) ? error : new NetchanError("SESSION_REFUSED", "it could not be admitted", { cause: error });
}

/** Was it for what the stranger said, or could not prove? A session that is not there any more makes nobody suspect. */
function isSuspicious(error: unknown): boolean {
  return NetchanError.is(error) && (error.code === "PROTOCOL_VIOLATION" || error.code === "SESSION_REFUSED");
}

export interface AdmissionSettings {
  readonly options: ListenOptions;
  readonly checked: CheckedOptions;
  readonly merged: Merged;
  /** A session has begun … */
  readonly begun: (peer: SessionPeer) => void;
  /** … and its dialer has said its first word. */
  readonly confirmed: (peer: SessionPeer) => void;
}

export class Admission {
  readonly #settings: AdmissionSettings;
  readonly #known = new Map<string, Known>();
  /** The oldest first. */
  readonly #past = new Map<string, Past>();
  #forgetting: Timer | undefined;
  /** Sessions that have not ended. */
  readonly live = new Set<SessionPeer>();
  #id: string | undefined;
  readonly #strangers: Strangers;
  readonly #budget: Budget;
  /** No new sessions; those there are may come back for their goodbye. */
  closing = false;
  closed = false;

  constructor(settings: AdmissionSettings) {
    this.#settings = settings;
    this.#strangers = new Strangers(settings.checked.limits);
    this.#budget = new Budget(settings.checked.limits, this.live);
  }

  /** Admits a link, with what its transport knows of the other side. */
  accept(link: Link, request: LinkRequest): void {
    const host = hostOf(link);
    const told = (error: NetchanError | undefined): void => {
      if (error !== undefined) host.report?.("refused", () => ({ request, error }));
    };
    if (this.closed || !this.#strangers.enter(link, request.remoteAddress)) {
      told(new NetchanError("LIMIT_EXCEEDED", "too many links have not been admitted yet"));
      closeLink(link, "not now");
      return;
    }
    void this.#greet(link, host, request)
      .catch((error: unknown) => {
        if (!this.closing && isSuspicious(error)) this.#strangers.refused(request.remoteAddress, host.clock.now());
        const answer = answerTo(error);
        if (answer !== undefined) sendSafely(link, answer);
        closeLink(link, "not admitted");
        told(refusalOf(error));
      })
      .finally(() => {
        this.#strangers.leave(link);
      });
  }

  async #greet(link: Link, host: Host, request: LinkRequest): Promise<void> {
    const batches = link.received[Symbol.asyncIterator]();
    const { said, claim } = await readGreeting(batches, host, this.#listener(host));
    if (said.kind === "elsewhere") {
      sendSafely(link, wrongDoor);
      closeLink(link, "wrong door");
      return;
    }
    const returns = said.kind === "resume" && this.#known.get(said.session)?.ticket.accepts(said.token) === true;
    if (!returns && this.#strangers.isSuspect(request.remoteAddress, host.clock.now())) throw new Unanswered();
    const { key } = this.#settings.checked;
    const at = { listener: this.#listener(host), host: request.headers.host };
    const proof = key === undefined ? undefined : await challenge(link, batches, host, claim, { key, ...at });
    const stranger = { link, batches, host, request, proof };
    if (said.kind === "resume") await this.#resume(said, stranger);
    else await this.#begin(said, stranger);
  }

  /** The name of this listener among all that may stand behind an address. */
  #listener(host: Host): string {
    this.#id ??= unguessableId(host);
    return this.#id;
  }

  async #identify(credentials: unknown, request: LinkRequest, host: Host): Promise<unknown> {
    const { authenticate } = this.#settings.options;
    if (authenticate === undefined) return undefined;
    try {
      return await inTime(host, "word of authenticate", (async () => await authenticate(credentials, request))());
    } catch (error) {
      // Why is the application's business: a stranger learns only that it was refused.
      throw new NetchanError("SESSION_REFUSED", "the credentials were not accepted", { cause: error });
    }
  }

  async #begin(hello: Hello, { link, batches, host, request, proof }: Stranger): Promise<void> {
    const { checked, merged, begun, confirmed } = this.#settings;
    const identity = await this.#identify(hello.credentials, request, host);
    if (this.closing) throw new NetchanError("SESSION_REFUSED", "the listener is closing");
    this.#makeRoom();
    const { limits, capacity, whenInDoubt, heartbeatMs, resumeWindowMs, superjson } = checked;
    const id = unguessableId(host);
    const ticket = new Ticket(host);
    const token = ticket.issue();
    const listener = this.#listener(host);
    const welcome = { session: id, listener, token, capacity, heartbeatMs, resumeWindowMs, limits: told(limits) };
    sendSafely(link, writeWelcome(welcome, proof));
    const waiting: { comeback?: Await } = {};
    const peer: SessionPeer = new SessionPeer({
      host,
      id,
      limits,
      peerLimits: hello.limits,
      heartbeatMs,
      asks: true,
      capacity,
      whenInDoubt,
      superjson,
      identity,
      remoteAddress: request.remoteAddress,
      merged,
      confirmed: () => confirmed(peer),
      comeback: (returning) => {
        waiting.comeback = new Await(returning, host, hello.resumes ? resumeWindowMs : 0);
        return waiting.comeback;
      },
    });
    this.live.add(peer);
    this.#budget.watch(host);
    this.#remember({ peer, ticket, waiting: waiting.comeback as Await, epoch: 0 }, hello.resumes, host);
    begun(peer);
    admit(link);
    peer.session.attach(link, batches);
  }

  #remember(known: Known, resumes: boolean, host: Host): void {
    const { peer, ticket } = known;
    if (resumes) this.#known.set(peer.id, known);
    void peer.ended.then(({ reason }) => {
      this.live.delete(peer);
      this.#known.delete(peer.id);
      if (peer.session.ended?.isGuilty === true) this.#strangers.guilty(peer.remoteAddress, host.clock.now());
      if (!resumes || reason === "lost" || this.closed) return;
      const finish = peer.session.ended ?? { reason, error: undefined };
      this.#past.set(peer.id, { ticket, finish, until: host.clock.now() + this.#settings.checked.resumeWindowMs });
      this.#forget(host);
    });
  }
  /** Drops what is too old, and what is too much. */
  #forget(host: Host): void {
    const now = host.clock.now();
    for (const [id, { until }] of this.#past) {
      if (until > now && this.#past.size <= this.#settings.checked.limits.maxSessions) {
        this.#forgetting?.cancel();
        this.#forgetting = host.clock.start(until - now, () => this.#forget(host), "idle");
        return;
      }
      this.#past.delete(id);
    }
  }

  /** A place for one more, if need be that of one which never said a word and is gone. */
  #makeRoom(): void {
    if (this.#budget.isTight) throw new NetchanError("LIMIT_EXCEEDED", "the listener holds as many bytes as it may");
    const { maxSessions } = this.#settings.checked.limits;
    if (this.live.size < maxSessions) return;
    for (const { session, confirmed } of this.live) {
      if (confirmed || session.linked) continue;
      session.finish({ reason: "lost", error: new NetchanError("SESSION_LOST", "its place was needed") });
      return;
    }
    throw new NetchanError("LIMIT_EXCEEDED", "the listener has as many sessions as it accepts");
  }

  async #resume(resume: Resume, { link, batches, host, request, proof }: Stranger): Promise<void> {
    const known = this.#known.get(resume.session);
    if (known === undefined) {
      const past = this.#past.get(resume.session);
      throw past?.ticket.accepts(resume.token) ? new Missed(past.finish) : unknownSession();
    }
    if (!known.ticket.accepts(resume.token)) throw unknownSession();
    const check = (): void => {
      const { ended } = known.peer.session;
      if (ended !== undefined) throw ended.reason === "lost" ? unknownSession() : new Missed(ended);
      if (resume.epoch <= known.epoch) throw new Overtaken();
    };
    check();
    known.waiting.hold();
    try {
      await this.#authenticateAgain(known, resume, host, request);
      check();
      if (!known.ticket.accepts(resume.token)) throw unknownSession();
    } finally {
      known.waiting.release();
    }
    known.epoch = resume.epoch;
    admit(link);
    const token = known.ticket.rotate(resume.token);
    sendSafely(link, writeResumed({ token, ...known.peer.session.position }, proof));
    known.peer.session.attach(
      link,
      // A link that another has taken over proves nothing any more.
      heard(batches, () => known.epoch === resume.epoch && known.ticket.proved(token)),
      resume,
    );
  }

  /** The token says whose session it is; whether that one may still come in is asked for every link. */
  async #authenticateAgain(known: Known, { credentials, epoch }: Resume, host: Host, request: LinkRequest): Promise<void> {
    const { peer } = known;
    try {
      const identity = await this.#identify(credentials, request, host);
      if (!sameIdentity(identity, peer.identity)) throw new NetchanError("SESSION_REFUSED", "the session is another's");
    } catch (error) {
      if (epoch <= known.epoch) throw new Overtaken(); // a later attempt was let in meanwhile
      const refusal = error as NetchanError;
      peer.session.finish({ reason: "refused", error: refusal });
      throw refusal;
    }
  }

  /** No links any more, and nobody to come back. */
  close(): void {
    this.closed = true;
    for (const link of this.#strangers) closeLink(link, "the listener was closed");
    this.#forgetting?.cancel();
    this.#budget.close();
    this.#past.clear();
    this.#known.clear();
  }
}

/** The same batches; `first` is called when one has come. */
function heard(batches: Batches, first: () => void): Batches {
  let told = false;
  return {
    next: async () => {
      const result = await batches.next();
      if (!told && !result.done) {
        told = true;
        first();
      }
      return result;
    },
  };
}

function sameIdentity(one: unknown, other: unknown): boolean {
  try {
    return dequal(one, other);
  } catch {
    return false; // too deep, or a circle
  }
}
