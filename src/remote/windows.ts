/**
 * The windows of one session: how much may wait on the other side, how much of theirs waits here. Layer: remote.
 *
 * Grants are cumulative: "so many bytes in all since the session began", so that a grant which is late or seen twice does no harm.
 * Invariant, each way: `freed <= arrived <= granted`, and `granted = freed + window` when the last grant was made.
 * Source: PROTOCOL.md "Windows"; the same rule as QUIC's MAX_DATA (RFC 9000 section 4.1).
 */

/** What this process may still put on the other side. */
export class SendWindow {
  #posted = 0;
  constructor(private granted: number) {}

  fits(bytes: number): boolean {
    return this.#posted + bytes <= this.granted;
  }
  post(bytes: number): void {
    this.#posted += bytes;
  }
  get free(): number {
    return this.granted - this.#posted;
  }
  /** A grant that is lower than an earlier one is late, and says nothing new. */
  grant(total: number): void {
    if (total > this.granted) this.granted = total;
  }
}

/** What the other side may put here. */
export class ReceiveWindow {
  #arrived = 0;
  #freed = 0;
  #granted: number;

  constructor(readonly bytes: number) {
    this.#granted = bytes;
  }
  /** @returns whether the other side was allowed to send it. */
  arrive(bytes: number): boolean {
    this.#arrived += bytes;
    return this.#arrived <= this.#granted;
  }
  /**
   * So much has left.
   * @returns the new grant when it is worth a frame: once a quarter of the window has been freed.
   */
  free(bytes: number): number | undefined {
    this.#freed += bytes;
    if (this.#freed + this.bytes - this.#granted < this.bytes / 4) return undefined;
    this.#granted = this.#freed + this.bytes;
    return this.#granted;
  }
  get waiting(): number {
    return this.#arrived - this.#freed;
  }
}

/** Announced values that are wanted: fetched a window's worth at a time, in the order in which they were wanted, one at least. */
export class Fetches {
  readonly #wanted = new Map<object, { readonly bytes: number; readonly post: () => void; posted: boolean }>();
  #underWay = 0;

  constructor(readonly bytes: number) {}

  want(key: object, bytes: number, post: () => void): void {
    this.#wanted.set(key, { bytes, post, posted: false });
    this.#next();
  }
  /** It came, or will not come any more. Idempotent. */
  done(key: object): void {
    const fetch = this.#wanted.get(key);
    if (fetch === undefined) return;
    this.#wanted.delete(key);
    if (fetch.posted) this.#underWay -= fetch.bytes;
    this.#next();
  }
  #next(): void {
    for (const fetch of this.#wanted.values()) {
      if (fetch.posted) continue;
      if (this.#underWay > 0 && this.#underWay + fetch.bytes > this.bytes) return;
      fetch.posted = true;
      this.#underWay += fetch.bytes;
      fetch.post();
    }
  }
  get size(): number {
    return this.#wanted.size;
  }
}
