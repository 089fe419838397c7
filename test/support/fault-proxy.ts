/**
 * A TCP proxy in front of a listener, which does to connections what networks do: it cuts them in order or not, or in the middle of a
 * frame; it goes silent and tells nobody; it drips, delays, turns bits and refuses. What is random about it comes from its seed.
 * Invariant: nothing happens to a connection unless the test asked for it, and everything that did is counted.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { type Drip, Flow } from "./fault-flow.js";

/** "up" is from the dialer to the listener. */
export type Direction = "up" | "down" | "both";
/** What becomes of connections opened from now on. A frozen one is accepted, and passes nothing. */
export type Newcomers = "passed" | "frozen" | "refused";
export type FaultKind = "clean" | "reset" | "inside-frame" | "half-open" | "corrupt" | "drip";

/** One fault that hit one connection. */
export interface Hit {
  readonly kind: FaultKind;
  /** Which, counted from 1 in the order they were opened. */
  readonly connection: number;
  /** The session was at work on it: more had passed, each way, than any handshake takes. */
  readonly live: boolean;
  /** For a cut inside a frame: it was one indeed, so far as can be seen from outside (not over TLS). */
  readonly inside: boolean;
}

/** More than a TLS handshake, an upgrade and a resume take together, each way. */
const liveBytes = 8 * 1024;

/** Repeatable random numbers from 0 to below 1 (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class ProxiedConnection {
  readonly up: Flow;
  readonly down: Flow;
  readonly #sockets: readonly [Socket, Socket];
  readonly #proxy: FaultProxy;
  /** A fault has put an end to it, though sockets may still be open. */
  doomed = false;
  readonly #closed: Promise<unknown>;

  constructor(
    proxy: FaultProxy,
    /** Counted from 1 in the order they were opened. */
    readonly number: number,
    client: Socket,
    server: Socket,
  ) {
    this.#proxy = proxy;
    this.#sockets = [client, server];
    const ended = (): void => {
      if (this.up.over && this.down.over && (this.up.frozen || this.down.frozen)) this.destroy();
    };
    this.up = new Flow(client, server, { passed: (count) => proxy.count("up", count), ended });
    this.down = new Flow(server, client, { passed: (count) => proxy.count("down", count), ended });
    this.#closed = Promise.all(this.#sockets.map((socket) => new Promise((resolve) => socket.once("close", resolve))));
  }

  /** Settles when both sockets are gone. */
  get closed(): Promise<unknown> {
    return this.#closed;
  }
  get live(): boolean {
    return this.up.bytes >= liveBytes && this.down.bytes >= liveBytes;
  }
  flows(direction: Direction): readonly Flow[] {
    return direction === "both" ? [this.up, this.down] : [this[direction]];
  }

  /** Ends both sides, in order (FIN) or not (RST); what is on its way is lost. */
  cut(how: "clean" | "reset"): void {
    this.#hit(how);
    this.#close(how);
  }
  #close(how: "clean" | "reset"): void {
    this.doomed = true;
    for (const flow of this.flows("both")) flow.detach();
    for (const socket of this.#sockets) {
      if (how === "reset") socket.resetAndDestroy();
      else socket.end();
    }
  }
  /** Passes a part of what comes next, which ends inside of a frame, and then ends both sides. */
  cutInside(direction: "up" | "down", how: "clean" | "reset"): void {
    this.doomed = true;
    const flow = this[direction];
    const { live, number: connection } = this;
    flow.sever(
      (length) => this.#proxy.below(length),
      () => {
        this.#proxy.hits.push({ kind: "inside-frame", connection, live, inside: flow.scanner.upgraded && !flow.scanner.atBoundary });
        this.#close(how);
      },
    );
  }
  /** Passes no byte any more and no end, and tells nobody. @returns what lets everything go on as if it had only been slow */
  freeze(direction: Direction): () => void {
    this.#hit("half-open");
    this.doomed = true;
    return this.hold(direction);
  }
  /** The same, without being a fault of its own. */
  hold(direction: Direction): () => void {
    const flows = this.flows(direction);
    for (const flow of flows) flow.freeze();
    return () => {
      for (const flow of flows) flow.thaw();
    };
  }
  /** Turns one bit of what passes next. */
  flip(direction: "up" | "down"): void {
    const { live, number: connection } = this;
    this[direction].flip(
      (length) => this.#proxy.below(length),
      () => this.#proxy.hits.push({ kind: "corrupt", connection, live, inside: false }),
    );
  }
  /** Passes a few bytes at a time; undefined: as they come. */
  drip(drip: Drip | undefined): void {
    if (drip !== undefined) this.#hit("drip");
    for (const flow of this.flows("both")) flow.drip(drip);
  }
  delay(ms: number): void {
    for (const flow of this.flows("both")) flow.delayMs = ms;
  }
  destroy(): void {
    this.doomed = true;
    for (const flow of this.flows("both")) flow.detach();
    for (const socket of this.#sockets) socket.destroy();
  }
  #hit(kind: FaultKind): void {
    this.#proxy.hits.push({ kind, connection: this.number, live: this.live, inside: false });
  }
}

export class FaultProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #target: number;
  readonly #random: () => number;
  readonly #askers: ((connection: ProxiedConnection) => void)[] = [];
  /** Those whose sockets are not both gone. */
  readonly connections = new Set<ProxiedConnection>();
  readonly hits: Hit[] = [];
  newcomers: Newcomers = "passed";
  /** How long a byte of a new connection takes, each way. */
  delayMs = 0;
  accepted = 0;
  refused = 0;
  readonly bytes = { up: 0, down: 0 };

  private constructor(server: Server, target: number, seed: number) {
    this.#server = server;
    this.#target = target;
    this.#random = randomFrom(seed);
    server.on("connection", (client) => this.#accept(client));
  }

  /** In front of a port of this machine. */
  static async start(target: number, seed: number): Promise<FaultProxy> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }).listen(0, "127.0.0.1");
    await once(server, "listening");
    return new FaultProxy(server, target, seed);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }
  /** Connections that no fault has put an end to. */
  get sound(): readonly ProxiedConnection[] {
    return [...this.connections].filter((connection) => !connection.doomed);
  }
  /** Connections that a fault has put an end to while a session was at work on them. */
  get liveCuts(): number {
    return new Set(this.hits.filter(({ live, kind }) => live && kind !== "drip").map(({ connection }) => connection)).size;
  }
  /** The next connection that is opened. */
  next(): Promise<ProxiedConnection> {
    return new Promise((resolve) => this.#askers.push(resolve));
  }
  /** A random whole number from 0 to below `limit`. */
  below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
  count(direction: "up" | "down", bytes: number): void {
    this.bytes[direction] += bytes;
  }

  #accept(client: Socket): void {
    if (this.newcomers === "refused") {
      this.refused++;
      client.on("error", () => {}).resetAndDestroy();
      return;
    }
    this.accepted++;
    const server = connect({ port: this.#target, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    const connection = new ProxiedConnection(this, this.accepted, client, server);
    this.connections.add(connection);
    void connection.closed.then(() => this.connections.delete(connection));
    connection.delay(this.delayMs);
    if (this.newcomers === "frozen") connection.hold("both");
    for (const asker of this.#askers.splice(0)) asker(connection);
  }

  /** Newcomers pass, and what was held goes on. What was cut stays cut. */
  heal(): void {
    this.newcomers = "passed";
    this.delayMs = 0;
    for (const connection of this.connections) {
      connection.delay(0);
      for (const flow of connection.flows("both")) {
        flow.drip(undefined);
        flow.thaw();
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.connections) connection.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
