/** `listen`: serves channels on a port, or beside other things on an existing server. Layer: listen; Node only. */

import type { Listener, ListenOptions, ServerLike } from "./contract.js";
import { report } from "./diagnostics.js";
import { LinkListener } from "./listener.js";
import { serveWebSocket } from "./transports/websocket-server.js";

/**
 * Serves channels. A port alone (or "port") is reachable from this machine only: name a host to be reachable from outside. Port 0
 * picks a free one; `url` says which. With `{ server, path }` an existing http or https server is shared, and left listening by `close`.
 * @param address - a port, "host:port", `ws://…`, `wss://…` (with `tls`), a list of these, or an existing server
 * @throws NetchanError `LISTEN_FAILED` when the address cannot be had, with the `cause`. TypeError and RangeError for wrong arguments.
 * @example
 * const { receive, url } = await listen<string>(0);
 */
export async function listen<In = unknown, Out = In, Identity = unknown>(
  address: string | number | readonly string[] | { readonly server: ServerLike; readonly path?: string },
  options: ListenOptions<In, Identity> = {},
): Promise<Listener<In, Out, Identity>> {
  const listener = new LinkListener(options as ListenOptions);
  const { tls, origins } = options;
  const addresses = Array.isArray(address)
    ? (address as readonly string[])
    : [address as string | number | { readonly server: ServerLike; readonly path?: string }];
  if (addresses.length === 0) throw new TypeError("Expected an address or a list of at least one, got an empty list");
  try {
    for (const one of addresses) {
      listener.carriers.push(
        await serveWebSocket(one, {
          limits: listener.limits,
          accept: (link, request) => listener.acceptFrom(link, request),
          refused: (request, error) => report("refused", () => ({ request, error })),
          ...(tls === undefined ? {} : { tls }),
          ...(origins === undefined ? {} : { origins }),
        }),
      );
    }
  } catch (error) {
    await listener.close({ drainMs: 0 });
    throw error;
  }
  return listener as unknown as Listener<In, Out, Identity>;
}
