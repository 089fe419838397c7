/** A page whose connection is cut again and again while values stream: it shows all of them, once, in order. */
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { expect, type JSHandle, type Page, test } from "@playwright/test";
import { type Listener, listen, type Peer } from "netchan";
import sirv from "sirv";
import "./support/library.js";

const folder = fileURLToPath(new URL("dist", import.meta.url));
const [values, cuts] = [5_000, 50];

interface Stage {
  readonly listener: Listener<number, number>;
  readonly inNode: Peer<number, number>;
  readonly inPage: JSHandle<Peer<number, number>>;
  /** Drops every connection the page has for its channel. @returns how many there were */
  cut(): number;
  close(): Promise<void>;
}

async function setUp(page: Page, capacity: number): Promise<Stage> {
  const server = createServer(sirv(folder));
  const sockets = new Set<Socket>();
  server.on("upgrade", (_request, socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  const listener = await listen<number, number>({ server, path: "/channel" }, { capacity });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const host = `localhost:${(server.address() as AddressInfo).port}`;
  await page.goto(`http://${host}/`);
  const inPage = await page.evaluateHandle(async (url) => {
    const peer = await window.netchan.dial<number>(url, { reconnect: { minMs: 10, maxMs: 100 } });
    const list = document.body.appendChild(document.createElement("ol"));
    const seen = document.body.appendChild(document.createElement("output"));
    let lost = 0;
    void (async () => {
      for await (const { state } of peer.statuses()) if (state === "reconnecting") seen.value = String(++lost);
    })();
    void (async () => {
      for await (const value of peer.receive) list.appendChild(document.createElement("li")).textContent = String(value);
      list.dataset.state = "done";
    })();
    return peer;
  }, `ws://${host}/channel`);
  const { value: inNode } = await listener.peers();
  if (inNode === undefined) throw new Error("the listener was closed");
  return {
    listener,
    inNode,
    inPage,
    cut: () => {
      const open = [...sockets];
      for (const socket of open) socket.resetAndDestroy();
      return open.length;
    },
    close: async () => {
      await listener.close({ drainMs: 0 });
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Waits until there is a link, then drops it. */
async function cutWhenConnected({ inNode, cut }: Stage): Promise<void> {
  for await (const { state } of inNode.statuses()) if (state === "connected") break;
  expect(cut()).toBeGreaterThan(0);
}
const counted = Array.from({ length: values }, (_, index) => index);

test.describe("a link that is cut 50 times during 5,000 values", () => {
  test("brings all of them to the page, capacity 0", async ({ page }) => {
    test.setTimeout(120_000);
    const stage = await setUp(page, 0);
    for (const value of counted) {
      await stage.inNode.send(value);
      if (value % (values / cuts) === 0) await cutWhenConnected(stage);
    }
    stage.inNode.send.close();
    await expect(page.locator("ol[data-state=done]")).toBeAttached({ timeout: 30_000 });
    const shown = await page.locator("li").allTextContents();
    expect(shown.map(Number)).toEqual(counted);
    // A cut right behind another may find the page still on its way back, and be one with it.
    expect(Number(await page.locator("output").textContent())).toBeGreaterThan(cuts * 0.8);
    await stage.close();
  });

  test("brings all of them from the page, capacity 64", async ({ page }) => {
    test.setTimeout(120_000);
    const stage = await setUp(page, 64);
    const sending = stage.inPage.evaluate(async (peer, count) => {
      for (let value = 0; value < count; value++) await peer.send(value);
      peer.send.close();
    }, values);
    const received: number[] = [];
    for await (const value of stage.inNode.receive) {
      received.push(value);
      if (value % (values / cuts) === 0) await cutWhenConnected(stage);
    }
    await sending;
    expect(received).toEqual(counted);
    expect(Number(await page.locator("output").textContent())).toBeGreaterThan(cuts * 0.8);
    await stage.close();
  });
});
