/** A network on a virtual clock for tests of how sessions get new links: every attempt is seen, and dialers may live in a page. */

import { inWorld } from "../../src/host.js";
import { LinkListener } from "../../src/listener.js";
import { type DialOptions, dial, type Link, type ListenOptions, type Peer } from "../../src/node.js";
import type { SessionPeer } from "../../src/peer.js";
import type { Host, Page, PageEvent } from "../../src/session/host.js";
import { type MemoryLink, memoryLinks, VirtualTime } from "../../src/transports/memory.js";

type Open = (options: { readonly signal: AbortSignal }) => Promise<Link>;

/** A page that is what the test says. */
export class FakePage implements Page {
  hidden = false;
  readonly listeners = new Set<(event: PageEvent) => void>();
  watch(listener: (event: PageEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  happen(event: PageEvent): void {
    if (event === "hidden") this.hidden = true;
    for (const listener of [...this.listeners]) listener(event);
  }
  show(): void {
    this.hidden = false;
    this.happen("woke");
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class World {
  readonly time = new VirtualTime(1);
  readonly page = new FakePage();
  /** When each link was opened, or tried to be. */
  readonly attempts: number[] = [];
  /** Links that are open, or thought to be: the dialer's sides. */
  readonly links: MemoryLink[] = [];
  down = false;
  delayMs = 0;
  /** Sees each link before anything is said over it. */
  shape: (here: MemoryLink, there: MemoryLink) => void = () => undefined;
  #running = false;

  constructor() {
    // Whatever needs no time happens by itself, a turn later.
    this.time.onWork = () => {
      if (this.#running) return;
      this.#running = true;
      setImmediate(() => {
        this.#running = false;
        for (const until = this.time.now; this.time.due && this.time.now === until; ) this.time.step();
      });
    };
  }

  host(page?: Page): Host {
    return page === undefined ? this.time.host : { ...this.time.host, page: () => page };
  }
  listen(options: ListenOptions = {}): LinkListener {
    return new LinkListener(options);
  }
  /** An address at which `accept` gets what is dialed. */
  address(accept: (link: Link) => void, page?: Page): Open {
    const host = this.host(page);
    return inWorld(async ({ signal }: { readonly signal: AbortSignal }) => {
      signal.throwIfAborted();
      this.attempts.push(this.time.now);
      if (this.down) throw new Error("the network is down");
      const [here, there] = memoryLinks(this.time, () => this.delayMs);
      this.links.push(here);
      this.shape(here, there);
      accept(inWorld(there, this.time.host));
      return inWorld(here, host);
    }, host);
  }
  /** A listener and one session with it, whose dialer lives in the page. */
  async session(options: { readonly listen?: ListenOptions; readonly dial?: DialOptions; readonly page?: boolean } = {}) {
    const listener = this.listen(options.listen);
    const address = this.address(listener.accept, options.page === false ? undefined : this.page);
    const far = (await dial<unknown, unknown>(address, options.dial)) as Peer<unknown, unknown> & SessionPeer;
    await this.settle();
    const [near] = listener.connected as ReadonlySet<unknown> as ReadonlySet<Peer<unknown, unknown> & SessionPeer>;
    if (near === undefined) throw new Error("nobody arrived");
    this.attempts.length = 0;
    return { listener, address, far, near };
  }

  /** The present links fail, for both sides or for none. */
  cut(kind: "clean" | "half-open" = "clean"): void {
    for (const link of this.links.splice(0)) {
      if (kind === "clean") link.fail();
      else
        for (const side of [link, link.other])
          if (side !== undefined) {
            side.silent = true;
          }
    }
  }
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 3; quiet++) {
      await turn();
      while (this.time.due) {
        quiet = 0;
        this.time.step();
        await turn();
      }
    }
  }
  async advance(ms: number): Promise<void> {
    const until = this.time.now + ms;
    await this.settle();
    for (let next = this.time.nextAt; next !== undefined && next <= until; next = this.time.nextAt) {
      this.time.pass(until);
      await this.settle();
    }
    this.time.pass(until);
  }
}
