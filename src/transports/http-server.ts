/**
 * The HTTP server under a listener that has a port of its own: it exists only to be upgraded, and gives nobody much time or room.
 * Layer: transports, Node only.
 * Invariants: connections that are no links are bounded in number and in time; every connection is known until it ends, so that
 * closing leaves none.
 */
import { createServer, type Server, STATUS_CODES } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { leastTls } from "./tls.js";

/** Limits of a request, from reliability engineering of public servers; the defaults of Node are for pages and uploads. */
export const requestLimits = {
  /** Until a request's headers are complete, from the first moment of the connection. */
  headersMs: 10_000,
  /** Until the whole request is there. */
  requestMs: 15_000,
  tlsHandshakeMs: 10_000,
  /** How often the two first are looked at. */
  checkMs: 1_000,
  maxHeaderBytes: 16 * 1024,
  maxHeaders: 100,
  /** Connections that have not become links. The oldest makes room for the newest, so that idle ones cannot keep others out. */
  maxWaiting: 1_000,
} as const;

/** A server, and what is needed to close it completely. */
export interface HttpServer {
  readonly server: Server;
  /** The connection under `socket` has become a link: from now on it is its link's. */
  promote(socket: Duplex): void;
  /** Stops listening and drops every connection that is not a link; settles when those that are have ended too. */
  close(): Promise<void>;
}

type RequestLimits = { readonly [K in keyof typeof requestLimits]: number };

/** Makes a server that answers every request with 426 and leaves upgrades to its "upgrade" listener. It does not listen yet. */
export function createHttpServer(tls?: { readonly cert: string; readonly key: string }, limits: RequestLimits = requestLimits): HttpServer {
  const options = {
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    connectionsCheckingInterval: limits.checkMs,
    maxHeaderSize: limits.maxHeaderBytes,
  };
  const server: Server =
    tls === undefined
      ? createServer(options)
      : createTlsServer({ ...options, ...tls, minVersion: leastTls, handshakeTimeout: limits.tlsHandshakeMs });
  server.maxHeadersCount = limits.maxHeaders;

  // By address, because under TLS the upgrade hands over another object than the connection that was accepted.
  const waiting = new Map<string, Socket>();
  server.on("connection", (socket) => {
    const key = addressOf(socket);
    waiting.set(key, socket);
    socket.on("close", () => {
      if (waiting.get(key) === socket) waiting.delete(key);
    });
    const [oldest] = waiting.values();
    if (waiting.size > limits.maxWaiting) oldest?.destroy();
  });
  server.on("request", (_request, response) => {
    const text = `${STATUS_CODES[426]}: this port speaks WebSocket\n`;
    response.writeHead(426, { Upgrade: "websocket", Connection: "Upgrade, close", "Content-Type": "text/plain" });
    response.end(text);
  });

  return {
    server,
    promote: (socket) => void waiting.delete(addressOf(socket as Socket)),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve()); // its error says that it never listened, which is closed as well
        for (const socket of waiting.values()) socket.destroy();
      }),
  };
}

/** Answers a request for an upgrade with `status` and ends the connection. */
export function refuse(socket: Duplex, status: number, why: string): void {
  // Node takes its own listeners off a socket that it hands over: without this one a reset would end the process.
  socket.on("error", () => socket.destroy());
  socket.once("finish", () => socket.destroy());
  const upgrade = status === 426 ? "Upgrade: websocket\r\nConnection: Upgrade, close" : "Connection: close";
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${upgrade}\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(why)}\r\n\r\n${why}`,
  );
}

function addressOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}
