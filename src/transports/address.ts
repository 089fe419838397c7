/**
 * Addresses as users write them, made exact: what to dial, and where to listen. Pure. Layer: transports; imports nothing.
 * Wrong addresses throw TypeError, wrong ports RangeError, both saying what was expected and got.
 */

/** Where a dial goes. `url` is normalised and has no credentials and no fragment. */
export interface DialTarget {
  readonly scheme: "ws:" | "wss:" | "https:";
  readonly url: string;
}

/** Where a listener binds. `host` is a name or an IP address without brackets; `path` starts with a slash. */
export interface ListenTarget {
  readonly scheme: "ws:" | "wss:" | "https:";
  readonly host: string;
  readonly port: number;
  readonly path: string;
}

const forms = `"ws://host:port", "wss://host:port", "https://host:port" or "host:port"`;
const maxPort = 2 ** 16 - 1;

/**
 * What `address` means to `dial`: bare "host:port" is ws: on a loopback host and wss: elsewhere.
 * @throws TypeError for anything that is no address; RangeError for a port that cannot be dialed.
 */
export function parseDialAddress(address: string | URL): DialTarget {
  const text = typeof address === "string" ? address : address instanceof URL ? address.href : undefined;
  if (text === undefined) throw new TypeError(`Expected an address to be a string or a URL, got ${typeof address}`);
  const url = parse(text, forms, (hostname) => (isLoopback(hostname) ? "ws:" : "wss:"));
  if (url.port === "0") throw new RangeError(`Expected a port from 1 to ${maxPort} in "${text}", got 0`);
  return { scheme: schemeOf(url, text), url: url.href };
}

/**
 * What `address` means to `listen`. A port alone is bound on 127.0.0.1 only: to be reached from outside a host must be named,
 * "0.0.0.0:80" for example. Without a scheme it is wss: when there is a certificate and ws: otherwise.
 * @param address - port 0 to 65535, 0 lets the system choose one; ":port" and "port" are the same as the number
 * @throws TypeError for anything that is no address or a scheme without its certificate; RangeError for a port out of range.
 */
export function parseListenAddress(address: string | number, options: { readonly tls: boolean } = { tls: false }): ListenTarget {
  const text = typeof address === "number" ? String(address) : address;
  if (typeof text !== "string") throw new TypeError(`Expected an address to be a string or a port, got ${typeof address}`);
  const alone = typeof address === "number" || /^:?\d+$/.test(text);
  const named = alone ? `127.0.0.1:${checkPort(text.replace(/^:/, ""), text)}` : text;
  const url = parse(named, `${forms} or a port`, () => (options.tls ? "wss:" : "ws:"));
  if (url.search !== "") throw new TypeError(`Expected an address without a query to listen on, got "${text}"`);
  const scheme = schemeOf(url, text);
  if (scheme !== "ws:" && !options.tls) throw new TypeError(`Expected the tls option with ${scheme}, got none for "${text}"`);
  return { scheme, host: withoutBrackets(url.hostname), port: portOf(url), path: url.pathname };
}

/** Can only this machine reach it? Takes a host as a URL writes it. Unknown forms count as remote, which is the safe side. */
export function isLoopback(hostname: string): boolean {
  const host = withoutBrackets(hostname).replace(/\.$/, "").toLowerCase();
  return host === "localhost" || host.endsWith(".localhost") || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

/** The URL at which something bound to `host` and `port` is dialed; a wildcard host is shown as its loopback. */
export function dialableUrl({ scheme, host, port, path }: ListenTarget): string {
  const shown = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return `${scheme}//${shown.includes(":") ? `[${shown}]` : shown}:${port}${path === "/" ? "" : path}`;
}

/** `choose` gives the scheme of an address that has none. */
function parse(text: string, expected: string, choose: (hostname: string) => "ws:" | "wss:"): URL {
  const [, scheme, authority = ""] = /^([a-z][a-z\d+.-]*:\/\/)?([^/?#]*)/i.exec(text) ?? [];
  // Before anything else: no other error may repeat a password.
  if (authority.includes("@")) throw new TypeError("Expected an address without a user and password: use the credentials option");
  if (text.includes("#")) throw new TypeError(`Expected an address without a fragment, got "${text}"`);
  const url = scheme === undefined ? parseBare(text, choose) : tryParse(text);
  if (url !== undefined) return url;
  const port = /:(\d+)$/.exec(authority)?.[1];
  if (port !== undefined) checkPort(port, text);
  throw new TypeError(`Expected an address such as ${expected}, got "${text}"`);
}

function parseBare(text: string, choose: (hostname: string) => "ws:" | "wss:"): URL | undefined {
  const url = /^[^/?]+:\d+$/.test(text) ? tryParse(`ws://${text}`) : undefined;
  // Parsed anew, not by setting `protocol`: a URL forgets a port that its first scheme implies.
  return url && tryParse(`${choose(url.hostname)}//${text}`);
}

function tryParse(text: string): URL | undefined {
  if (/[\s\p{Cc}\\]/u.test(text)) return undefined; // URL itself would forgive these
  try {
    return new URL(text);
  } catch {
    return undefined; // URL.canParse came with Node 20.1 only, and says no more
  }
}

function schemeOf(url: URL, text: string): DialTarget["scheme"] {
  const scheme = url.protocol;
  if (scheme === "ws:" || scheme === "wss:" || scheme === "https:") return scheme;
  throw new TypeError(
    scheme === "http:"
      ? `Expected ws: (WebSocket without TLS) instead of http:, got "${text}"`
      : `Expected an address such as ${forms}, got "${text}"`,
  );
}

function checkPort(digits: string, text: string): number {
  const port = Number(digits);
  if (Number.isInteger(port) && port >= 0 && port <= maxPort) return port;
  throw new RangeError(`Expected a port from 0 to ${maxPort}, got "${text}"`);
}

/** A URL leaves out the port that its scheme implies. */
function portOf(url: URL): number {
  return url.port === "" ? (url.protocol === "ws:" ? 80 : 443) : Number(url.port);
}

function withoutBrackets(hostname: string): string {
  return hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
}
