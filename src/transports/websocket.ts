/**
 * Dials a WebSocket listener, from browsers and from Node: `isomorphic-ws` is the browser's WebSocket or `ws`. Layer: transports.
 * Importing it opens nothing and needs no global, and a browser's bundle of it has nothing of Node.
 */
import WebSocket from "isomorphic-ws";
import { NetchanError } from "../errors.js";
import { isLoopback, parseDialAddress } from "./address.js";
import { type CertificatePin, parseCertificateHash, pinCertificate } from "./certificate-pin.js";
import { asError, type HardLink } from "./links.js";
import { leastTls } from "./tls.js";
import { linkOver, type WebSocketLike, webSocketLimits } from "./websocket-link.js";

export interface WebSocketDialOptions {
  /** Ends the dialing; once there is a link it does nothing. */
  readonly signal: AbortSignal;
  /** The largest batch taken from the other side, bytes. */
  readonly maxFrameBytes: number;
  /** PEM authorities to trust instead of the system's. Node only: a browser has its own. */
  readonly ca?: string;
  /** SHA-256 of the one certificate to trust (hex), instead of the authorities. Node only. */
  readonly certificateHash?: string;
}

/** Silence after which an opening handshake is given up, in Node; browsers have their own. */
const handshakeTimeoutMs = 10_000;

/** As `ws` and browsers have it; the third argument is one too many for a browser, which ignores it. */
type Open = new (url: string, protocols: readonly string[], options: object) => WebSocketLike;

/**
 * Opens a link to `url`, which is of the scheme ws: or wss:.
 * @throws NetchanError DIAL_FAILED with the `cause`; `signal.reason` when aborted; TypeError or RangeError for wrong arguments.
 * After a failure nothing is left open.
 */
export async function dialWebSocket(address: string, options: WebSocketDialOptions): Promise<HardLink> {
  const { url, scheme } = parseDialAddress(address);
  if (scheme === "https:") throw new TypeError(`Expected a WebSocket address (ws: or wss:), got "${url}"`);
  const pin = pinFor(new URL(url), options);
  options.signal.throwIfAborted();
  return await open(url, options, pin);
}

function open(url: string, { signal, maxFrameBytes, ca }: WebSocketDialOptions, pin: CertificatePin | undefined): Promise<HardLink> {
  return new Promise((resolve, reject) => {
    let cause: Error | undefined;
    let socket: WebSocketLike;
    try {
      socket = new (WebSocket as unknown as Open)(url, [], {
        ...webSocketLimits(maxFrameBytes),
        followRedirects: false, // what was dialed is what answers
        handshakeTimeout: handshakeTimeoutMs,
        minVersion: leastTls,
        rejectUnauthorized: true, // said, so that NODE_TLS_REJECT_UNAUTHORIZED=0 has no power over it
        ...(ca !== undefined && { ca }),
        ...pin?.options,
      });
    } catch (thrown) {
      reject(dialFailed(url, asError(thrown))); // a browser's page with https: refuses ws: like this
      return;
    }
    const drop = (): void => {
      signal.removeEventListener("abort", abort);
      if (socket.terminate !== undefined) socket.terminate();
      else socket.close(1000, "");
    };
    const abort = (): void => {
      drop();
      reject(signal.reason);
    };
    signal.addEventListener("abort", abort);
    socket.addEventListener("error", ({ error }) => {
      if (error !== undefined) cause ??= asError(error);
    });
    socket.addEventListener("close", ({ code }) => {
      signal.removeEventListener("abort", abort);
      reject(dialFailed(url, cause ?? new Error(`WebSocket closed with code ${code}`)));
    });
    socket.addEventListener("open", () => {
      if (pin !== undefined && !pin.held()) {
        cause = new Error("The certificate was not compared with certificateHash");
        drop();
        return;
      }
      signal.removeEventListener("abort", abort);
      resolve(linkOver(socket, maxFrameBytes));
    });
  });
}

/** The pin that `certificateHash` asks for. Asked for and impossible is an error: a pin is never quietly left out over a network. */
function pinFor({ protocol, hostname }: URL, { ca, certificateHash }: WebSocketDialOptions): CertificatePin | undefined {
  if (certificateHash === undefined) return undefined;
  const hash = parseCertificateHash(certificateHash);
  if (protocol === "ws:") {
    // One list of addresses shares its options, and development falls back from https: to ws: on the same machine.
    if (isLoopback(hostname)) return undefined;
    throw new TypeError("Expected certificateHash with wss: or https:, got it with ws:, which has no certificate");
  }
  if (WebSocket === null || !("terminate" in WebSocket.prototype))
    throw new TypeError("Expected certificateHash with https: only: a browser can pin certificates of WebTransport, not of wss:");
  return pinCertificate(hash, ca !== undefined);
}

/** The query is left out: it is the part of a URL that people put secrets into. */
function dialFailed(url: string, cause: Error): NetchanError {
  const why = cause.message || (cause as { readonly code?: string }).code || cause.name;
  return new NetchanError("DIAL_FAILED", `No link to ${url.split("?", 1)[0]}: ${why}`, { cause });
}
