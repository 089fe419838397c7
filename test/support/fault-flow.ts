/**
 * One direction of a connection through the fault proxy: what arrives on one socket leaves on the other, after what is done to it on the way.
 * Invariant: bytes keep their order, and the end stands behind them; a frozen flow keeps both until it thaws.
 */
import type { Socket } from "node:net";

/** Bytes that may wait in the proxy before it stops reading: then the sender's own kernel fills up, as on a real path. */
const mostWaitingBytes = 64 * 1024;

export interface Drip {
  readonly bytes: number;
  readonly pauseMs: number;
}

/** Follows a WebSocket from its upgrade on, to know where its frames begin. Bytes that are none (TLS) are all one head to it. */
export class FrameScanner {
  /** How much of the empty line that ends the upgrade has been seen. */
  #matched = 0;
  #header: number[] = [];
  #left = 0;
  upgraded = false;
  /** Frames that have passed whole. */
  count = 0;

  /** Between two frames. */
  get atBoundary(): boolean {
    return this.upgraded && this.#header.length === 0 && this.#left === 0;
  }

  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#left > 0) {
        const step = Math.min(this.#left, bytes.length - at);
        this.#left -= step;
        at += step;
        if (this.#left === 0) this.count++;
        continue;
      }
      const byte = bytes[at++] ?? 0;
      if (this.upgraded) this.#head(byte);
      else {
        this.#matched = byte === "\r\n\r\n".charCodeAt(this.#matched) ? this.#matched + 1 : byte === 13 ? 1 : 0;
        this.upgraded = this.#matched === 4;
      }
    }
  }

  /** RFC 6455 section 5.2. */
  #head(byte: number): void {
    this.#header.push(byte);
    const [, second] = this.#header;
    if (second === undefined) return;
    const short = second & 0x7f;
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    if (this.#header.length < 2 + lengthBytes + (second >= 0x80 ? 4 : 0)) return;
    this.#left = lengthBytes === 0 ? short : this.#header.slice(2, 2 + lengthBytes).reduce((sum, digit) => sum * 256 + digit, 0);
    this.#header = [];
    if (this.#left === 0) this.count++;
  }
}

interface Waiting {
  bytes: Uint8Array;
  readonly dueAt: number;
}

export interface FlowEvents {
  /** So many bytes have left on the other side. */
  passed(count: number): void;
  /** The sender has said that it will send no more, or is gone. */
  ended(): void;
}

export class Flow {
  readonly scanner = new FrameScanner();
  /** That have left on the other side. */
  bytes = 0;
  /** The sender has said that it will send no more, or is gone. */
  over = false;
  delayMs = 0;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #drip: Drip | undefined;
  #frozen = false;
  #detached = false;
  #reset = false;
  #full = false;
  #timer: NodeJS.Timeout | undefined;
  /** What is done to the next bytes. */
  #knife: { readonly at: (length: number) => number; readonly then: () => void } | undefined;
  #flip: { readonly at: (length: number) => number; readonly then: () => void } | undefined;

  constructor(
    readonly source: Socket,
    readonly sink: Socket,
    readonly events: FlowEvents,
  ) {
    source.on("data", (bytes: Buffer) => {
      if (this.#detached) return;
      this.#waiting.push({ bytes, dueAt: performance.now() + this.delayMs });
      this.#waitingBytes += bytes.length;
      if (this.#waitingBytes > mostWaitingBytes) source.pause();
      this.#pump();
    });
    source.on("end", () => this.#end(false));
    source.on("error", () => this.#end(true));
    source.on("close", () => this.#end(true));
    sink.on("drain", () => {
      this.#full = false;
      this.#pump();
    });
  }

  #end(reset: boolean): void {
    if (this.over) return;
    this.over = true;
    this.#reset = reset;
    this.events.ended();
    this.#pump();
  }

  get frozen(): boolean {
    return this.#frozen;
  }
  freeze(): void {
    this.#frozen = true;
  }
  thaw(): void {
    this.#frozen = false;
    this.#pump();
  }
  /** A few bytes at a time; undefined: as they come. */
  drip(drip: Drip | undefined): void {
    this.#drip = drip;
    this.#pump();
  }
  /** The next bytes pass up to a place inside a frame, and `then` is called when those are on their way. */
  sever(at: (length: number) => number, then: () => void): void {
    this.#knife ??= { at, then };
  }
  /** One bit of the next bytes is turned. */
  flip(at: (length: number) => number, then: () => void): void {
    this.#flip ??= { at, then };
  }
  /** Passes nothing any more, the end neither. */
  detach(): void {
    this.#detached = true;
    clearTimeout(this.#timer);
    this.#waiting = [];
    this.source.resume();
  }

  #pump(): void {
    while (!this.#detached && !this.#frozen && !this.#full && this.#timer === undefined) {
      const [first] = this.#waiting;
      if (first === undefined) break;
      const earlyMs = first.dueAt - performance.now();
      if (earlyMs > 0) {
        this.#later(earlyMs);
        return;
      }
      if (this.#cut(first)) return;
      const drip = this.#drip;
      this.#pass(first, drip?.bytes ?? first.bytes.length);
      if (drip !== undefined) this.#later(drip.pauseMs);
    }
    if (this.#detached || !this.over || this.#frozen || this.#waiting.length > 0) return;
    if (this.#reset) this.sink.resetAndDestroy();
    else this.sink.end();
  }
  #later(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#pump();
    }, ms);
  }

  /** @returns whether that was the last this flow passes */
  #cut(first: Waiting): boolean {
    const knife = this.#knife;
    if (knife === undefined || first.bytes.length < 2) return false;
    let at = 1 + knife.at(first.bytes.length - 1);
    this.scanner.push(first.bytes.subarray(0, at));
    if (this.scanner.atBoundary) this.scanner.push(first.bytes.subarray(at, ++at));
    this.#write(first.bytes.subarray(0, at), knife.then);
    this.detach();
    return true;
  }

  #pass(first: Waiting, most: number): void {
    let bytes = first.bytes.subarray(0, most);
    if (bytes.length === first.bytes.length) this.#waiting.shift();
    else first.bytes = first.bytes.subarray(most);
    this.#waitingBytes -= bytes.length;
    if (this.#waitingBytes <= mostWaitingBytes && this.source.isPaused()) this.source.resume();
    const flip = this.#flip;
    if (flip !== undefined) {
      this.#flip = undefined;
      const bit = flip.at(bytes.length * 8);
      bytes = Uint8Array.from(bytes);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      flip.then();
    }
    this.scanner.push(bytes);
    this.#write(bytes);
  }
  #write(bytes: Uint8Array, written?: () => void): void {
    this.bytes += bytes.length;
    this.events.passed(bytes.length);
    if (!this.sink.writable) written?.();
    else if (!this.sink.write(bytes, written && (() => written()))) this.#full = true;
  }
}
