/** A process that dials. Run by the tests of this folder: settings as its argument, commands and reports over IPC. */
import { type DialOptions, dial, type Peer, type ReceiveChannel, sessions } from "../../src/node.js";
import { Side, serve } from "./side.js";
import type { ClientSettings } from "./words.js";

const { dials } = JSON.parse(process.argv[2] ?? "") as ClientSettings;
const feeds: ReceiveChannel<Peer>[] = [];
const sides: Side[] = [];
serve(sides, {
  async leave() {
    for (const feed of feeds) feed.close();
    for (const { peer } of sides) peer.abort();
    await Promise.all(sides.map(({ peer }) => peer.ended));
  },
});

await Promise.all(
  dials.map(async ({ url, again = false, ...rest }, at) => {
    const options: DialOptions = { ...rest, reconnect: { minMs: 10, maxMs: 100 } };
    if (!again) {
      sides[at] = new Side(await dial(url, options), at);
      return;
    }
    const feed = sessions(url, options);
    feeds.push(feed);
    for await (const peer of feed) sides[at] = new Side(peer, at);
  }),
);
