/**
 * Accepts WebSocket links: on a port of its own, or beside other listeners on a server of the user's. Layer: transports, Node only.
 * Invariants: whoever is not wanted is refused before the upgrade; of a shared server only the own path is touched, and closing
 * leaves it as it was found; peers' text is looked up in Maps only.
 */
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { Server as TlsServer } from "node:tls";
import { type WebSocket, WebSocketServer } from "ws";
import type { Limits, ServerLike } from "../contract.js";
import { NetchanError } from "../errors.js";
import type { LinkRequest } from "../session/link.js";
import { dialableUrl, type ListenTarget, parseListenAddress } from "./address.js";
import { certificateHash, selfSignedCertificate } from "./certificate.js";
import { createHttpServer, refuse, requestLimits } from "./http-server.js";
import { asError, type HardLink, type LinkServer } from "./links.js";
import { originCheck } from "./origins.js";
import { attach, type SharedServer } from "./shared-server.js";
import { limitStranger } from "./stranger-bytes.js";
import { linkOver, webSocketLimits } from "./websocket-link.js";

export type { LinkServer } from "./links.js";

export interface WebSocketServerOptions {
  /** PEM, or "self-signed" for a certificate made now. Not for a shared server, which has its own. */
  readonly tls?: { readonly cert: string; readonly key: string } | "self-signed";
  /** Browser origins let in: default the listener's own host. "*" lets all in. */
  readonly origins?: readonly string[] | "*";
  readonly limits: Limits;
  /** Given each link as it opens. Must not throw. */
  readonly accept: (link: HardLink, request: LinkRequest) => void;
  /** Told of each request that was refused for its origin. Must not throw. */
  readonly refused?: (request: LinkRequest, error: NetchanError) => void;
}

/** How long a link that is being closed may take for its goodbye when its server closes. */
const goodbyeMs = 1_000;

/**
 * Serves links at `address`. A port alone is bound on 127.0.0.1; with a path in the address only that path is served, else every one.
 * On a shared server exactly `path` is served (default "/"), whenever that server listens.
 * @throws NetchanError LISTEN_FAILED with the `cause`; TypeError or RangeError for wrong arguments. After a failure nothing is left open.
 */
export async function serveWebSocket(
  address: string | number | { readonly server: ServerLike; readonly path?: string },
  options: WebSocketServerOptions,
): Promise<LinkServer> {
  const gate = openGate(options);
  if (typeof address === "object" && address !== null) return serveShared(address.server as SharedServer, address.path, gate);
  const target = parseListenAddress(address, { tls: options.tls !== undefined });
  if (target.scheme === "https:") throw new TypeError(`Expected a WebSocket address (ws: or wss:) to listen on, got "${address}"`);
  try {
    return await serveOwn(target, options.tls, gate);
  } catch (thrown) {
    const cause = asError(thrown);
    throw new NetchanError("LISTEN_FAILED", `Cannot listen on ${dialableUrl(target)}: ${cause.message}`, { cause });
  }
}

async function serveOwn(target: ListenTarget, tls: WebSocketServerOptions["tls"], gate: Gate): Promise<LinkServer> {
  const pem = target.scheme === "ws:" ? undefined : tls === "self-signed" ? await selfSignedCertificate([target.host]) : tls;
  const hash = pem && certificateHash(pem.cert);
  const { server, promote, close } = createHttpServer(pem && { cert: pem.cert, key: pem.key });
  server.on("upgrade", (request, socket, head) => {
    if (target.path !== "/" && pathOf(request) !== target.path) refuse(socket, 404, "Nothing is served at this path\n");
    else if (gate.take(request, socket, head)) promote(socket);
  });
  server.listen({ host: target.host, port: target.port });
  await once(server, "listening"); // rejects on "error"
  server.on("error", () => {}); // accepting failed once (EMFILE …): the next connection may succeed
  const urls = Object.freeze([dialableUrl({ ...target, port: (server.address() as AddressInfo).port })]);
  let closed: Promise<void> | undefined;
  return {
    urls,
    certificateHash: hash,
    close: () => {
      closed ??= Promise.all([close(), gate.close()]).then(() => {});
      return closed;
    },
  };
}

function serveShared(server: SharedServer, pathOption: string | undefined, gate: Gate): LinkServer {
  if (typeof server?.on !== "function") throw new TypeError(`Expected server to be a server of Node's http or https, got ${typeof server}`);
  const path = checkPath(pathOption ?? "/");
  const detach = attach(server, path, gate.take);
  let closed: Promise<void> | undefined;
  return {
    get urls() {
      const bound = server.address?.();
      if (typeof bound !== "object" || bound === null) return [];
      const scheme = server instanceof TlsServer ? "wss:" : "ws:";
      return [dialableUrl({ scheme, host: bound.address, port: bound.port, path })];
    },
    certificateHash: undefined,
    close: () => {
      detach();
      closed ??= gate.close();
      return closed;
    },
  };
}

/** Path as a request names it: percent-encoded. */
function checkPath(path: string): string {
  if (typeof path !== "string" || !/^\/[^?#\s\\]*$/.test(path)) throw new TypeError(`Expected path to start with "/", got "${path}"`);
  return new URL(`ws://localhost${path}`).pathname;
}

/** Decides about upgrades and owns the links that come of them. */
interface Gate {
  /** Refuses the request, or makes a link of it and says true. */
  take(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  close(): Promise<void>;
}

function openGate({ origins, limits, accept, refused }: WebSocketServerOptions): Gate {
  const fromKnownOrigin = originCheck(origins);
  const server = new WebSocketServer({ noServer: true, handleProtocols: () => false, ...webSocketLimits(limits.maxFrameBytes) });
  server.on("error", () => {});

  return {
    take(request, socket, head) {
      const { method, headers, rawHeaders } = request;
      // Node cuts the headers there, and Origin may be among those that it left out.
      if (rawHeaders.length / 2 >= requestLimits.maxHeaders) refuse(socket, 431, "Too many headers\n");
      else if (method !== "GET" || headers.upgrade?.toLowerCase() !== "websocket") refuse(socket, 426, "This speaks WebSocket\n");
      else if (headers.host === undefined)
        refuse(socket, 400, "Host is missing\n"); // Node asks for it in requests only, not in upgrades
      else if (!fromKnownOrigin(headers.origin, headers.host)) {
        refused?.(requestOf(request), new NetchanError("SESSION_REFUSED", "its origin may not connect"));
        refuse(socket, 403, "This origin may not connect\n");
      } else {
        let opened = false;
        server.handleUpgrade(request, socket, head, (webSocket) => {
          opened = true;
          const admitted = limitStranger(socket);
          accept(Object.assign(linkOver(webSocket, limits.maxFrameBytes), { admitted }), requestOf(request));
        });
        return opened;
      }
      return false;
    },
    async close() {
      const leaving: Promise<unknown>[] = [];
      for (const webSocket of server.clients) {
        leaving.push(new Promise((resolve) => webSocket.once("close", resolve)));
        // One that says goodbye already may end in order: terminating it now would lose what was sent last.
        if (webSocket.readyState === webSocket.OPEN) webSocket.terminate();
      }
      server.close();
      if (leaving.length === 0) return;
      const timer = setTimeout(() => terminateAll(server.clients), goodbyeMs);
      await Promise.all(leaving);
      clearTimeout(timer);
    },
  };
}

function terminateAll(webSockets: Iterable<WebSocket>): void {
  for (const webSocket of webSockets) webSocket.terminate();
}

function pathOf(request: IncomingMessage): string | undefined {
  return request.url?.split("?", 1)[0];
}

function requestOf(request: IncomingMessage): LinkRequest {
  const headers: Record<string, string | undefined> = Object.create(null);
  // Never headersDistinct: a header named __proto__ makes it throw (CVE-2026-21710).
  for (const [name, value] of Object.entries(request.headers)) headers[name] = Array.isArray(value) ? value.join(", ") : value;
  const { origin } = request.headers;
  const { remoteAddress } = request.socket;
  return {
    url: request.url ?? "/",
    headers,
    ...(origin !== undefined && { origin }),
    ...(remoteAddress !== undefined && { remoteAddress }),
  };
}
