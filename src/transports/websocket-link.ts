/**
 * A link over an open WebSocket: a browser's, or one of `ws` on either side. Layer: transports; runs in browsers and Node, imports no
 * package. What only `ws` can do (hold the other side up, say when bytes are gone, drop the connection) is used where it is there.
 * Invariants: one batch is one WebSocket message; a timer runs only in a browser and only while the connection is congested;
 * `received` ends with the first of: a close by either side, an error, the end of the connection.
 */
import { Inbox, sizeOf } from "./inbox.js";
import { asError, cutReason, type HardLink } from "./links.js";

/** Bytes handed over and not yet on their way. Beyond the high mark `send` tells its caller to wait, until the low one is reached. */
const highWaterBytes = 1024 * 1024;
const lowWaterBytes = highWaterBytes / 2;
/** How often a congested browser is asked: it has no event for it. About 100 MB/s with the marks above. */
const congestionPollMs = 5;

const normalClosure = 1000; // RFC 6455 section 7.4.1, as are the next two
const goingAway = 1001;
const noStatus = 1005;

/** `ws`, when the other side does not answer a close: the connection is dropped. */
const closeTimeoutMs = 5_000;
/** Bytes that each fragment and each chunk of an unfinished batch must bring on average; one that brings fewer is an attack (CVE-2026-48779). */
const leastFragmentBytes = 1024; // browsers cut large batches where their pipes happen to end
const leastChunkBytes = 256; // under half of the smallest segment that IPv4 promises to carry (RFC 879: 536)

/** The part of a WebSocket that is used; the methods that may be missing are missing in browsers. */
export interface WebSocketLike {
  binaryType: string;
  readonly readyState: number;
  readonly bufferedAmount: number;
  send(batch: string | Uint8Array, sent: () => void): void;
  close(code: number, reason: string): void;
  pause?(): void;
  resume?(): void;
  terminate?(): void;
  addEventListener(type: "open", listener: () => void): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: "error", listener: (event: { readonly error?: unknown }) => void): void;
  addEventListener(type: "close", listener: (event: { readonly code: number; readonly reason: string }) => void): void;
}

/** `readyState` of a WebSocket that can send. */
const open = 1;

/** Options of `ws` that bound what one connection may make it keep; both sides use the same. */
export function webSocketLimits(maxFrameBytes: number) {
  return {
    maxPayload: maxFrameBytes,
    maxFragments: Math.max(1_024, Math.ceil(maxFrameBytes / leastFragmentBytes)),
    maxBufferedChunks: Math.max(16_384, Math.ceil(maxFrameBytes / leastChunkBytes)),
    perMessageDeflate: false, // batches are small or already dense, and a bomb needs no answer where nothing inflates
    skipUTF8Validation: false,
    closeTimeout: closeTimeoutMs,
  } as const;
}

/** Makes a link of a WebSocket that has just opened: call it before the event loop turns, or its first batches are lost. */
export function linkOver(socket: WebSocketLike, maxFrameBytes: number): HardLink {
  return new WebSocketLink(socket, maxFrameBytes);
}

class WebSocketLink implements HardLink {
  readonly transport = "websocket";
  readonly received: Inbox;
  readonly #socket: WebSocketLike;
  #congestion: { readonly over: Promise<void>; readonly relieve: () => void } | undefined;
  #poll: ReturnType<typeof setTimeout> | undefined;

  constructor(socket: WebSocketLike, maxFrameBytes: number) {
    this.#socket = socket;
    this.received = new Inbox({ pause: () => socket.pause?.(), resume: () => socket.resume?.() });
    socket.binaryType = "arraybuffer"; // the others are Blob, read too late to keep the order, and slices of buffers shared with others
    socket.addEventListener("message", ({ data }) => {
      const batch = typeof data === "string" ? data : new Uint8Array(data as ArrayBuffer);
      if (sizeOf(batch) <= maxFrameBytes) this.received.put(batch);
      else this.#fail(new RangeError(`Expected a batch of at most ${maxFrameBytes} bytes, got ${sizeOf(batch)}`));
    });
    socket.addEventListener("error", ({ error }) => {
      // A browser gives no reason, but says with the close event that follows how it ended.
      if (error !== undefined) this.received.end(asError(error));
    });
    socket.addEventListener("close", ({ code, reason }) => {
      const clean = code === normalClosure || code === goingAway || code === noStatus;
      // The reason is the other side's text: quoted, so that no line break or escape sequence of it gets into a log.
      this.received.end(clean ? undefined : new Error(`WebSocket closed with code ${code}${reason && `: ${JSON.stringify(reason)}`}`));
      this.#relieve();
    });
  }

  send(batch: string | Uint8Array): void | Promise<void> {
    if (this.#socket.readyState !== open) return undefined;
    try {
      this.#socket.send(batch, this.#check);
    } catch (thrown) {
      this.#fail(asError(thrown)); // going on without this batch would break the order
      return undefined;
    }
    if (this.#congestion === undefined && this.#socket.bufferedAmount > highWaterBytes) this.#congest();
    return this.#congestion?.over;
  }

  close(reason = ""): void {
    this.received.end();
    this.#relieve();
    if (this.#socket.readyState === open) this.#socket.close(normalClosure, cutReason(reason));
  }

  terminate(): void {
    this.received.end();
    this.#relieve();
    if (this.#socket.terminate !== undefined) this.#socket.terminate();
    else this.#socket.close(normalClosure, "");
  }

  #fail(failure: Error): void {
    this.received.end(failure);
    this.terminate();
  }

  #congest(): void {
    let relieve = (): void => {};
    const over = new Promise<void>((resolve) => {
      relieve = resolve;
    });
    this.#congestion = { over, relieve };
    if (this.#socket.pause === undefined) this.#poll = setTimeout(this.#check, congestionPollMs);
  }

  /** Called by `ws` whenever a batch is on its way, by the timer in a browser. */
  readonly #check = (): void => {
    if (this.#congestion === undefined) return;
    if (this.#socket.bufferedAmount <= lowWaterBytes) this.#relieve();
    else if (this.#poll !== undefined) this.#poll = setTimeout(this.#check, congestionPollMs);
  };

  #relieve(): void {
    clearTimeout(this.#poll);
    this.#poll = undefined;
    this.#congestion?.relieve();
    this.#congestion = undefined;
  }
}
