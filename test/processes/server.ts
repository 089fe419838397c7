/** A process that listens. Run by the tests of this folder: settings as its argument, commands and reports over IPC. */
import { type Listener, listen } from "../../src/node.js";
import { report, Side, serve } from "./side.js";
import type { ServerSettings } from "./words.js";

const { listeners, waits = false } = JSON.parse(process.argv[2] ?? "") as ServerSettings;
const open: Listener[] = [];
const sides: Side[] = [];
serve(sides, { listen: begin, leave: () => Promise.all(open.map((listener) => listener.close({ drainMs: 0 }))) });
if (!waits) await begin();

async function begin(): Promise<void> {
  for (const [at, { port = 0, tls = false, ...options }] of listeners.entries()) {
    const listener = await listen(`${tls ? "wss" : "ws"}://127.0.0.1:${port}`, tls ? { ...options, tls: "self-signed" } : options);
    open.push(listener);
    report({ kind: "listening", at, url: listener.url, certificateHash: listener.certificateHash });
    void (async () => {
      for await (const peer of listener.peers) sides[at] = new Side(peer, at);
    })();
  }
}
