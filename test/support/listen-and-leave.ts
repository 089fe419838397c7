/** Serves and dials in a process of its own, closes everything and prints how many milliseconds the process lived on. */
import { defaultLimits } from "../../src/limits.js";
import { admit } from "../../src/session/link.js";
import type { HardLink } from "../../src/transports/links.js";
import { dialWebSocket } from "../../src/transports/websocket.js";
import { serveWebSocket } from "../../src/transports/websocket-server.js";

for (const options of [{}, { tls: "self-signed" } as const]) {
  const accepted: HardLink[] = [];
  const accept = (link: HardLink): void => {
    admit(link);
    accepted.push(link);
  };
  const server = await serveWebSocket(0, { limits: defaultLimits, accept, ...options });
  const dialing = { signal: new AbortController().signal, maxFrameBytes: defaultLimits.maxFrameBytes };
  const hash = server.certificateHash;
  const link = await dialWebSocket(server.urls[0] ?? "", { ...dialing, ...(hash !== undefined && { certificateHash: hash }) });
  link.send(new Uint8Array(3_000_000));
  for await (const _batch of accepted[0]?.received ?? []) break;
  link.close("bye");
  for await (const _batch of link.received);
  await server.close();
}
const closedAt = performance.now();
process.on("exit", () => console.log(Math.round(performance.now() - closedAt)));
