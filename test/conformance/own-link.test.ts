/** How a new link adopts the contract: here one that an application made of the two ports of a MessageChannel. */
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { chan, dial, type Link, listen } from "../../src/node.js";
import { describeChannel } from "./channel-contract.js";
import { dialed, type Linked, overLink } from "./links.js";

function linkOver(port: MessagePort): Link {
  const { send, receive } = chan<string | Uint8Array>();
  port.on("message", (batch) => void send(batch)).on("close", () => send.close());
  return {
    transport: "port",
    send: (batch) => port.postMessage(batch),
    received: receive,
    close: () => port.close(),
  };
}

async function connect(count: number): Promise<Linked> {
  const listener = await listen(0);
  const address = async (): Promise<Link> => {
    const { port1, port2 } = new MessageChannel();
    listener.accept(linkOver(port2));
    return linkOver(port1);
  };
  return dialed(count, listener, () => dial(address));
}

describeChannel("over a link of the application's own making", {
  capabilities: { byReference: false, selectAcross: true, rounds: 1_000 },
  open: () => overLink(connect, "receiver"),
});
