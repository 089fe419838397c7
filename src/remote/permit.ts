/**
 * May the other side use an end of a published channel? Layer: remote.
 *
 *     asked ──yes──▶ granted ──resume──▶ asked again        while it is asked nothing new reaches the channel; what comes is kept in order
 *       └──no, late──▶ refused, for good
 *
 * One for each end of each channel and session, asked at its first use and again whenever the session has come back over another link.
 * Source: PROTOCOL.md "Named channels".
 */
import type { HomeReceive, HomeSend } from "../core/channel.js";
import type { Port, ReceivePort } from "../core/end.js";
import type { Buffer } from "../core/topic.js";
import { NetchanError } from "../errors.js";
import { inTime } from "../session/handshake.js";
import type { Host } from "../session/host.js";
import { InTurn } from "./in-turn.js";

/** What somebody wants of a name: an end of a channel; of a topic, its send end or a subscription. */
export type Use = Port["kind"] | "publish" | "subscribe";

/** What this process has published, as one session may ask for it. */
export interface Published {
  /** The end that has that name now; of a subscription, one that stands for its topic. */
  find(name: string, use: Use): HomeSend | HomeReceive | undefined;
  /** What it throws, or rejects with, is a no. */
  allows(name: string, use: Use): boolean | Promise<boolean>;
  /** Begins a subscription to a topic that was found. @returns its end, or why there is none */
  subscribe(name: string, buffer: Buffer, limits: { readonly maxQueuedBytes: number }): ReceivePort | NetchanError;
}

/** Whatever must not go on without it. */
export interface PermitUser {
  permitted(): void;
  revoked(refusal: NetchanError): void;
}

interface Surroundings {
  readonly host: Host;
  post(rest: string): unknown;
}

export class Permit {
  /** One for all ends that the other side has of it: what it sends by several of them is of one sender. */
  readonly turn = new InTurn();
  readonly #users = new Set<PermitUser>();
  /** Ids whose user has not been told that they are open. */
  #opening: number[] = [];
  /** Of the latest answer that is waited for. */
  #turn = 0;
  #pending = false;
  /** Why not, for good. */
  refusal: NetchanError | undefined;

  constructor(
    readonly surroundings: Surroundings,
    readonly use: Use,
    /** What it is about; undefined when nothing has that name. */
    readonly end: HomeSend | HomeReceive | undefined,
    readonly allows: () => boolean | Promise<boolean>,
  ) {}

  get kind(): Port["kind"] {
    return this.use === "send" || this.use === "publish" ? "send" : "receive";
  }
  /** There is no answer yet. */
  get pending(): boolean {
    return this.#pending;
  }
  get granted(): boolean {
    return !this.#pending && this.refusal === undefined;
  }
  get inUse(): boolean {
    return this.#users.size > 0;
  }
  /** What the other side may reach, or may be going to. */
  get port(): HomeSend | HomeReceive | undefined {
    return this.refusal === undefined ? this.end : undefined;
  }

  ask(): void {
    const turn = ++this.#turn;
    let answer: boolean | Promise<boolean>;
    try {
      answer = this.allows();
    } catch {
      answer = false; // why is the application's business: the other side learns only that it may not
    }
    if (typeof answer === "boolean") {
      this.#answered(answer);
      return;
    }
    this.#pending = true;
    void inTime(this.surroundings.host, "word of authorize", Promise.resolve(answer))
      .catch(() => false)
      .then((late) => {
        if (turn === this.#turn) this.#answered(late === true);
      });
  }
  #answered(yes: boolean): void {
    this.#pending = false;
    if (!yes) this.refuse(new NetchanError("CHANNEL_REFUSED", "the channel may not be used", { outcome: "not-sent" }));
    else if (this.refusal === undefined) for (const user of [...this.#users]) this.#grant(user);
  }
  refuse(refusal: NetchanError): void {
    this.refusal ??= refusal;
    for (const user of [...this.#users]) user.revoked(this.refusal);
  }
  #grant(user: PermitUser): void {
    for (const id of this.#opening.splice(0)) this.surroundings.post(`"opened",${id},${this.end?.capacity ?? 0}`);
    user.permitted();
  }

  /** @param opening - the id under which the other side waits to hear of it */
  join(user: PermitUser, opening?: number): void {
    this.#users.add(user);
    if (opening !== undefined) this.#opening.push(opening);
    if (this.refusal !== undefined) user.revoked(this.refusal);
    else if (!this.#pending) this.#grant(user);
  }
  leave(user: PermitUser): void {
    this.#users.delete(user);
  }
}

export function unknownName(): NetchanError {
  return new NetchanError("CHANNEL_UNKNOWN", "nothing is published under that name", { outcome: "not-sent" });
}

/** So many are kept before it is looked which of them are in use. */
const leastKept = 64;

/** All that one session has been asked about. */
export class Permits {
  readonly #known = new WeakMap<object, { readonly permit: Permit; readonly link: number }>();
  readonly #all = new Set<Permit>();
  #most = leastKept;
  /** Counts the links: what was asked on an earlier one has to be asked again. */
  #link = 0;

  constructor(
    readonly surroundings: Surroundings,
    readonly published: Published | undefined,
  ) {}

  of(name: string, use: Use): Permit {
    const end = this.published?.find(name, use);
    const known = end === undefined ? undefined : this.#known.get(end);
    if (known?.link === this.#link) return known.permit;
    const permit = new Permit(this.surroundings, use, end, () => this.published?.allows(name, use) ?? false);
    if (end === undefined) permit.refuse(unknownName());
    else {
      this.#know(end, permit);
      permit.ask();
    }
    return permit;
  }
  #know(end: object, permit: Permit): void {
    this.#known.set(end, { permit, link: this.#link });
    if (this.#all.size >= this.#most) this.#prune();
    this.#all.add(permit);
  }
  /** What nobody uses is asked again when somebody does. */
  #prune(): void {
    for (const permit of this.#all) if (!permit.inUse) this.#all.delete(permit);
    this.#most = 2 * this.#all.size + leastKept;
  }
  /** How many are kept, those in use and others. */
  get size(): number {
    return this.#all.size;
  }

  /** The session has come back. */
  askAgain(): void {
    this.#link++;
    for (const permit of [...this.#all]) {
      this.#all.delete(permit);
      if (!permit.inUse || permit.refusal !== undefined || permit.end === undefined) continue;
      this.#know(permit.end, permit);
      permit.ask();
    }
  }
}
