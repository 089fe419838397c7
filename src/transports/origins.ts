/**
 * Which web pages may connect. A browser lets every page open a WebSocket to every server, so the server has to ask (CWE-1385).
 * Pure. Layer: transports; imports nothing.
 */

/** Decides by a request's Origin and Host headers. */
export type OriginCheck = (origin: string | undefined, host: string | undefined) => boolean;

/**
 * The check that the `origins` option asks for: by default pages of the listener's own host, with a list exactly those, with "*" all.
 * A request without Origin does not come from a web page and is let in. "null" (sandboxed frames, files) is let in only by name or "*".
 * @throws TypeError for an entry that is not an origin.
 */
export function originCheck(origins: readonly string[] | "*" | undefined): OriginCheck {
  if (origins === "*") return () => true;
  if (origins === undefined) return (origin, host) => origin === undefined || isOwnHost(origin, host);
  if (!Array.isArray(origins)) throw new TypeError(`Expected origins to be a list or "*", got ${typeof origins}`);
  const known = new Set(origins.map(checkOrigin));
  return (origin) => {
    if (origin === undefined) return true;
    const exact = normalOrigin(origin);
    return exact !== undefined && known.has(exact);
  };
}

function checkOrigin(origin: string): string {
  const exact = typeof origin === "string" ? normalOrigin(origin) : undefined;
  if (exact !== undefined) return exact;
  throw new TypeError(`Expected origins to hold "scheme://host[:port]" or "null", got "${origin}"`);
}

/** Lower-case and without the port that the scheme implies; undefined when it is more or less than an origin. */
function normalOrigin(origin: string): string | undefined {
  if (origin.toLowerCase() === "null") return "null";
  const url = bareUrl(origin);
  return url && `${url.protocol}//${url.host}`.toLowerCase();
}

/** The ports count as well; TLS may have ended at a proxy, so the scheme does not. */
function isOwnHost(origin: string, host: string | undefined): boolean {
  const page = bareUrl(origin);
  if (host === undefined || page === undefined || (page.protocol !== "http:" && page.protocol !== "https:")) return false;
  return bareUrl(`${page.protocol}//${host}`)?.host === page.host;
}

/** A URL that is a scheme, a host and perhaps a port. */
function bareUrl(text: string): URL | undefined {
  if (!/^[a-z][a-z\d+.-]*:\/\/[^\s/?#@\\]+$/i.test(text)) return undefined;
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
