/** WebSocket listeners for tests: what they accepted, in order, and a proof at the end that nothing is left open. */
import { afterEach, expect, vi } from "vitest";
import { defaultLimits } from "../../src/limits.js";
import { admit, type LinkRequest } from "../../src/session/link.js";
import type { HardLink, LinkServer } from "../../src/transports/links.js";
import { dialWebSocket, type WebSocketDialOptions } from "../../src/transports/websocket.js";
import { serveWebSocket, type WebSocketServerOptions } from "../../src/transports/websocket-server.js";

export interface Accepted {
  readonly link: HardLink;
  readonly request: LinkRequest;
}

export interface Served extends AsyncDisposable {
  readonly server: LinkServer;
  readonly url: string;
  readonly port: number;
  /** The next link it accepts, or accepted and nobody asked for. */
  next(): Promise<Accepted>;
  readonly acceptedCount: number;
}

const open: LinkServer[] = [];

/** Closes what a test served, and waits until the process holds no connection and no listening port of it. */
export function expectNothingLeft(): void {
  afterEach(async () => {
    await Promise.all(open.splice(0).map((server) => server.close()));
    await vi.waitFor(() => expect(process.getActiveResourcesInfo().filter((name) => /TCP|TLS/.test(name))).toEqual([]), 3_000);
  });
}

export async function serve(
  address: Parameters<typeof serveWebSocket>[0] = 0,
  options: Partial<WebSocketServerOptions> = {},
): Promise<Served> {
  const accepted: Accepted[] = [];
  const askers: ((accepted: Accepted) => void)[] = [];
  let acceptedCount = 0;
  const server = await serveWebSocket(address, {
    limits: defaultLimits,
    accept(link, request) {
      acceptedCount += 1;
      admit(link);
      const asker = askers.shift();
      if (asker === undefined) accepted.push({ link, request });
      else asker({ link, request });
    },
    ...options,
  });
  open.push(server);
  return {
    server,
    get url() {
      return server.urls[0] ?? "";
    },
    get port() {
      return Number(new URL(server.urls[0] ?? "").port);
    },
    get acceptedCount() {
      return acceptedCount;
    },
    next: () => {
      const first = accepted.shift();
      return first === undefined ? new Promise((resolve) => askers.push(resolve)) : Promise.resolve(first);
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
}

/** A listener that sends everything back; a link's failure ends that link only. */
export function serveEcho(address: Parameters<typeof serveWebSocket>[0] = 0, options: Partial<WebSocketServerOptions> = {}) {
  const failures: Error[] = [];
  const echo = async (link: HardLink): Promise<void> => {
    admit(link);
    try {
      for await (const batch of link.received) await link.send(batch);
    } catch (error) {
      failures.push(error as Error);
    }
  };
  return serve(address, { accept: (link) => void echo(link), ...options }).then((served) => Object.assign(served, { failures }));
}

export function dial(url: string, options: Partial<WebSocketDialOptions> = {}): Promise<HardLink> {
  return dialWebSocket(url, { signal: new AbortController().signal, maxFrameBytes: defaultLimits.maxFrameBytes, ...options });
}

/** Both ends of one link. */
export async function pair(options: Partial<WebSocketServerOptions> = {}, dialOptions: Partial<WebSocketDialOptions> = {}) {
  const served = await serve(0, options);
  const near = await dial(served.url, dialOptions);
  const { link: far } = await served.next();
  return { served, near, far };
}

/** One batch; undefined when the link has ended. Rejects when it failed. */
export async function read(link: HardLink): Promise<string | Uint8Array | undefined> {
  return (await link.received[Symbol.asyncIterator]().next()).value;
}

/** The listener still serves: a new link carries a batch there and back. */
export async function expectAlive(url: string): Promise<void> {
  const link = await dial(url);
  link.send("alive?");
  expect(await read(link)).toBe("alive?");
  link.close();
}
