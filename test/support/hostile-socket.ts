/** A TCP connection that says what it likes, byte by byte: the other end of every hostile input. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

export interface FrameOptions {
  readonly final?: boolean;
  readonly reserved?: number;
  readonly masked?: boolean;
  /** What the header claims, when it is not the truth. */
  readonly length?: number | bigint;
}

export class HostileSocket {
  readonly #socket: Socket;
  #seen = "";
  #wake: (() => void) | undefined;
  /** Settles when the other side has let the connection go, in order or not. */
  readonly closed: Promise<void>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("error", () => {}); // a reset is what a hostile connection gets
    socket.on("data", (bytes) => {
      this.#seen += bytes.toString("latin1");
      this.#wake?.();
    });
    this.closed = new Promise((resolve) => {
      socket.on("close", () => {
        resolve();
        this.#wake?.();
      });
    });
  }

  static async connect(port: number): Promise<HostileSocket> {
    const socket = connect({ host: "127.0.0.1", port });
    await once(socket, "connect");
    return new HostileSocket(socket);
  }

  /** A connection whose upgrade was accepted. */
  static async upgraded(port: number): Promise<HostileSocket> {
    const socket = await HostileSocket.connect(port);
    socket.upgrade();
    await socket.until("\r\n\r\n");
    if (!socket.seen.startsWith("HTTP/1.1 101 ")) throw new Error(`Not upgraded: ${socket.seen}`);
    return socket;
  }

  /** Everything received, one character a byte. */
  get seen(): string {
    return this.#seen;
  }

  get bytesWritten(): number {
    return this.#socket.bytesWritten;
  }

  write(bytes: string | Uint8Array): boolean {
    return this.#socket.writable && this.#socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  }

  /** A request for an upgrade; `headers` replace the ordinary ones of the same name, undefined leaves one out. */
  upgrade(headers: Record<string, string | undefined> = {}, extra: readonly string[] = [], target = "/"): void {
    const all = {
      Host: "127.0.0.1",
      Upgrade: "websocket",
      Connection: "Upgrade",
      "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
      ...headers,
    };
    const lines = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
    this.write(`${[`GET ${target} HTTP/1.1`, ...lines, ...extra].join("\r\n")}\r\n\r\n`);
  }

  /** A frame of RFC 6455 section 5.2, right or wrong. */
  frame(opcode: number, payload: Uint8Array | string = "", options: FrameOptions = {}): boolean {
    return this.write(frameBytes(opcode, payload, options));
  }

  end(): void {
    this.#socket.end();
  }
  reset(): void {
    this.#socket.resetAndDestroy();
  }
  destroy(): void {
    this.#socket.destroy();
  }
  pause(): void {
    this.#socket.pause();
  }

  /** Waits until `text` was received. */
  async until(text: string): Promise<string> {
    while (!this.#seen.includes(text)) {
      if (this.#socket.destroyed)
        throw new Error(`The connection ended before ${JSON.stringify(text)}, after ${JSON.stringify(this.#seen)}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#seen;
  }
}

export function frameBytes(opcode: number, payload: Uint8Array | string = "", options: FrameOptions = {}): Buffer {
  const { final = true, reserved = 0, masked = true } = options;
  const body = Buffer.from(payload as string, "utf8");
  const length = BigInt(options.length ?? body.length);
  const mark = masked ? 0x80 : 0;
  const head = Buffer.alloc(length < 126n ? 2 : length < 65_536n ? 4 : 10);
  head[0] = (final ? 0x80 : 0) | (reserved << 4) | opcode;
  if (length < 126n) head[1] = mark | Number(length);
  else if (length < 65_536n) {
    head[1] = mark | 126;
    head.writeUInt16BE(Number(length), 2);
  } else {
    head[1] = mark | 127;
    head.writeBigUInt64BE(length, 2);
  }
  return Buffer.concat([head, masked ? Buffer.alloc(4) : Buffer.alloc(0), body]); // a mask of zeros changes nothing
}
