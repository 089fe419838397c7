/**
 * Takes the upgrades of single paths on a server that belongs to somebody else. Layer: transports, Node only.
 * Invariants: one "upgrade" listener per server, however many paths; it is there only while a path is served. Upgrades for other
 * paths are left to the server's other listeners, and refused when there is none: nobody would ever answer them.
 */
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { ServerLike } from "../contract.js";
import { NetchanError } from "../errors.js";
import { refuse } from "./http-server.js";

/** What is used of Node's servers beyond `on`. */
export interface SharedServer extends ServerLike {
  off?(event: "upgrade", listener: Upgrade): unknown;
  listenerCount?(event: "upgrade"): number;
  address?(): AddressInfo | string | null;
}
type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

interface Shared {
  readonly paths: Map<string, Upgrade>;
  readonly listener: Upgrade;
}
const servers = new WeakMap<SharedServer, Shared>();

/**
 * Sends the upgrades for exactly `path` to `take`.
 * @returns a function that gives the path up; idempotent
 * @throws NetchanError LISTEN_FAILED when the path is served already.
 */
export function attach(server: SharedServer, path: string, take: Upgrade): () => void {
  const { paths } = servers.get(server) ?? share(server);
  if (paths.has(path)) throw new NetchanError("LISTEN_FAILED", `Another listener serves ${path} on this server`);
  paths.set(path, take);
  return () => {
    if (paths.get(path) !== take) return;
    paths.delete(path);
    if (paths.size === 0) unshare(server);
  };
}

function share(server: SharedServer): Shared {
  const paths = new Map<string, Upgrade>();
  const listener: Upgrade = (request, socket, head) => {
    const take = paths.get(request.url?.split("?", 1)[0] ?? "");
    if (take !== undefined) take(request, socket, head);
    else if (server.listenerCount?.("upgrade") === 1) refuse(socket, 404, "Nothing is served at this path\n");
  };
  const shared = { paths, listener };
  servers.set(server, shared);
  server.on("upgrade", listener);
  return shared;
}

function unshare(server: SharedServer): void {
  const shared = servers.get(server);
  servers.delete(server);
  if (shared !== undefined) server.off?.("upgrade", shared.listener);
}
