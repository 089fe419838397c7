/** The fixture `connect`: a page with the library in it and a listener in the test's own process, which are connected. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { test as base, expect, type JSHandle } from "@playwright/test";
import { type Listener, type ListenOptions, listen, type Peer } from "netchan";
import sirv from "sirv";
import { watchConsole } from "./console.js";

declare global {
  interface Window {
    /** What a bundler gives to a page; see e2e/pages. */
    readonly netchan: Omit<typeof import("netchan"), "listen">;
  }
}

export interface Connected<FromPage, FromNode> {
  readonly listener: Listener<FromPage, FromNode>;
  /** In the page: its peer, which is Node. */
  readonly inPage: JSHandle<Peer<FromNode, FromPage>>;
  /** In Node: its peer, which is the page. */
  readonly inNode: Peer<FromPage, FromNode>;
}
export type Connect = <FromPage, FromNode>(options?: ListenOptions<FromPage>) => Promise<Connected<FromPage, FromNode>>;

const folder = fileURLToPath(new URL("../dist", import.meta.url));

export const test = base.extend<{ connect: Connect }>({
  connect: async ({ page }, use) => {
    const expectQuiet = watchConsole(page);
    const server = createServer(sirv(folder));
    const listeners: Listener[] = [];
    await use(async <FromPage, FromNode>(options: ListenOptions<FromPage> = {}) => {
      const listener = await listen<FromPage, FromNode>({ server, path: "/channel" }, options);
      listeners.push(listener);
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const host = `localhost:${(server.address() as AddressInfo).port}`;
      await page.goto(`http://${host}/`);
      const inPage = await page.evaluateHandle((url) => window.netchan.dial<FromNode, FromPage>(url), `ws://${host}/channel`);
      const arrived = await listener.peers();
      if (arrived.done) throw new Error("The listener was closed");
      return { listener, inPage, inNode: arrived.value };
    });
    await Promise.all(listeners.map((listener) => listener.close({ drainMs: 0 })));
    expect(listeners.map((listener) => listener.connected.size)).toEqual(listeners.map(() => 0));
    server.closeAllConnections();
    server.close();
    expectQuiet();
  },
});

export { expect };
