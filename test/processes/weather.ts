/**
 * Faults by a schedule: one every 50 to 500 ms for as long as the weather lasts, each on the connection that is open then, or on the next one
 * while it is still being opened. Repeatable from the proxy's seed, as far as the processes behind it are.
 */
import type { Direction, FaultProxy, ProxiedConnection } from "../support/fault-proxy.js";

export type Mode = "clean" | "reset" | "half-open" | "drip" | "corrupt" | "inside-frame" | "mixed";
/** What "mixed" is made of: the faults that need no TLS to be noticed. */
const mixed = ["clean", "reset", "half-open", "drip", "inside-frame"] as const satisfies readonly Mode[];

/** Longer than so few cuts take on a busy machine. */
const patienceMs = 30_000;
/** Between two faults, milliseconds. */
const [leastGapMs, mostGapMs] = [50, 500];
/** How long a thing lasts that passes. */
const mostLastingMs = 200;
/** How long the whole path is down, for everybody: longer than the dialer needs to notice. */
const [leastDownMs, mostDownMs] = [200, 600];
/** A new connection is hit this soon: while it is upgraded, resumes, replays. */
const mostEarlyMs = 30;
/** This share of the faults does not wait, but hit the very connection that takes the place of the last. */
const againShare = 0.3;

export class Weather {
  readonly #over = new AbortController();
  readonly #done: Promise<void>;

  constructor(
    readonly proxy: FaultProxy,
    readonly mode: Mode,
  ) {
    this.#done = this.#blow();
  }

  /**
   * Settles when it has lasted for so long, and has brought down so many links that were at work; or when there is no use in going on.
   * @throws Error when it cannot bring down so many
   */
  async lasts(ms: number, liveCuts: number, use: () => boolean): Promise<void> {
    const from = performance.now();
    for (let pastMs = 0; use() && (pastMs < ms || this.proxy.liveCuts < liveCuts); pastMs = performance.now() - from) {
      if (pastMs > ms + patienceMs)
        throw new Error(`Expected ${liveCuts} links to be cut at work, got ${this.proxy.liveCuts} of ${this.proxy.accepted} connections`);
      await this.#pause(leastGapMs);
    }
  }
  /** The last fault is over, and connections pass. Those that were cut stay cut. */
  async clear(): Promise<void> {
    this.#over.abort();
    await this.#done;
    this.proxy.heal();
  }

  #pause(ms: number): Promise<void> {
    const { signal } = this.#over;
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const over = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", over);
        resolve();
      };
      const timer = setTimeout(over, ms);
      signal.addEventListener("abort", over);
    });
  }
  /** From 0 to below 1, with the chances of one in a thousand. */
  #chance(): number {
    return this.proxy.below(1_000) / 1_000;
  }
  #side(): "up" | "down" {
    return this.proxy.below(2) === 0 ? "up" : "down";
  }
  #manner(): "clean" | "reset" {
    return this.proxy.below(2) === 0 ? "clean" : "reset";
  }

  async #blow(): Promise<void> {
    const { proxy } = this;
    const { signal } = this.#over;
    const over = new Promise<undefined>((resolve) => signal.addEventListener("abort", () => resolve(undefined)));
    const newcomer = async (withinMs: number): Promise<ProxiedConnection | undefined> => {
      const connection = await Promise.race([proxy.next(), over, this.#pause(withinMs).then(() => undefined)]);
      await this.#pause(this.#chance() * mostEarlyMs);
      return connection;
    };
    let struck = false;
    while (!signal.aborted) {
      let connection: ProxiedConnection | undefined;
      if (struck && this.#chance() < againShare) connection = await newcomer(mostGapMs);
      else {
        await this.#pause(leastGapMs + this.#chance() * (mostGapMs - leastGapMs));
        connection = proxy.sound.at(-1) ?? (await newcomer(mostGapMs));
      }
      struck = connection !== undefined && !connection.doomed && !signal.aborted && (await this.#strike(connection));
    }
  }

  /** @returns whether that was the end of the connection */
  async #strike(connection: ProxiedConnection): Promise<boolean> {
    const mode = this.mode === "mixed" ? (mixed[this.proxy.below(mixed.length)] ?? "clean") : this.mode;
    switch (mode) {
      case "clean":
      case "reset":
        connection.cut(mode);
        return true;
      case "inside-frame":
        connection.cutInside(this.#side(), this.#manner());
        return true;
      case "corrupt":
        connection.flip(this.#side());
        return true;
      case "drip":
        connection.drip({ bytes: 1 + this.proxy.below(32), pauseMs: 1 });
        await this.#pause(this.#chance() * mostLastingMs);
        if (this.#chance() < 0.8) connection.cut(this.#manner());
        else connection.drip(undefined);
        return connection.doomed;
      case "half-open":
        if (connection.live) await this.#silence(connection);
        else await this.#stall(connection);
        return connection.doomed;
    }
  }

  /** A handshake is held up. Were it for ever, the dialer would wait its ten seconds. */
  async #stall(connection: ProxiedConnection): Promise<void> {
    const goOn = connection.hold(["up", "down", "both"][this.proxy.below(3)] as Direction);
    await this.#pause(this.#chance() * mostLastingMs);
    goOn();
  }

  /** A connection falls silent for good; half of them come back as ghosts, when another has taken their place. */
  async #silence(connection: ProxiedConnection): Promise<void> {
    const { proxy } = this;
    const direction = ["up", "down", "both"][proxy.below(3)] as Direction;
    const thaw = connection.freeze(direction);
    if (proxy.below(2) === 0) {
      const afterMs = this.#chance() * mostLastingMs;
      void proxy.next().then(async () => {
        await this.#pause(afterMs);
        thaw();
      });
    }
    if (proxy.below(3) > 0) return;
    // The whole path is down, for everybody.
    proxy.newcomers = proxy.below(2) === 0 ? "frozen" : "refused";
    const replaced = proxy.newcomers === "frozen" ? proxy.next() : undefined;
    await this.#pause(leastDownMs + this.#chance() * (mostDownMs - leastDownMs));
    proxy.newcomers = "passed";
    void replaced?.then(async (held) => {
      await this.#pause(this.#chance() * mostLastingMs);
      if (!held.doomed) for (const flow of held.flows("both")) flow.thaw();
    });
  }
}
