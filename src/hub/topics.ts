/** The topics that a listener publishes under names. Layer: hub. Source: design rule 15; PROTOCOL.md "Topics". */
import type { ChannelOptions, ReceiveChannel, Topic, TopicOptions } from "../contract.js";
import { describe, type ReceivePort, receiveEnd, sendEnd } from "../core/end.js";
import type { Shared } from "../core/shared.js";
import { type Buffer, subscriptionBuffer, TopicHome } from "../core/topic.js";
import { NetchanError } from "../errors.js";
import { checkAllow, checkName, checkSchema, type Entry, Registry } from "./registry.js";

type Options = TopicOptions<unknown>;
type Allow = NonNullable<Options["allow"]>;
type Subscribed<T> = ReceiveChannel<T> & { readonly missed: number };

const allowances: readonly Allow[] = ["none", "subscribe", "publish", "both"];

interface Wanted {
  readonly allow: Allow;
  readonly schema: Options["schema"];
  readonly whenFull: NonNullable<Options["whenFull"]>;
}

function wanted(options: Options): Wanted {
  if (typeof options !== "object" || options === null)
    throw new TypeError(`Expected the options of a topic to be an object, got ${describe(options)}`);
  const { allow = "none", schema, whenFull = "drop-oldest" } = options;
  checkAllow(allow, allowances);
  if (schema !== undefined) checkSchema(schema);
  if (whenFull !== "wait" && whenFull !== "drop-oldest")
    throw new TypeError(
      `Expected whenFull to be "wait" or "drop-oldest", got ${typeof whenFull === "string" ? `"${String(whenFull)}"` : describe(whenFull)}`,
    );
  return { allow, schema, whenFull };
}

class Published implements Entry<Wanted> {
  readonly home: TopicHome;
  readonly topic: Topic<unknown>;

  constructor(
    readonly wanted: Wanted,
    encode: Shared["encode"],
    closed: () => void,
  ) {
    const home = new TopicHome({ schema: wanted.schema, closedHereOnly: true }, encode);
    this.home = home;
    home.publish.holders.use();
    home.inlet.watchers.add({ sendEnded: closed, sendMuted: () => undefined });
    this.topic = Object.freeze({
      publish: sendEnd<unknown>(home.publish),
      subscribe: (options?: ChannelOptions) =>
        receiveEnd<unknown>(home.subscribe(subscriptionBuffer(options)).receive) as Subscribed<unknown>,
    });
  }
  /** For a peer. @returns the end, or why there is none */
  subscribe(buffer: Buffer, mostBytes: number): ReceivePort | NetchanError {
    if (buffer.whenFull === "wait" && this.wanted.whenFull !== "wait")
      return new NetchanError("CHANNEL_REFUSED", 'the topic waits for nobody: subscribe without whenFull: "wait"', { outcome: "not-sent" });
    return this.home.subscribe(buffer, mostBytes).receive;
  }
  close(): void {
    this.home.inlet.close(undefined);
  }
  refuse(error: NetchanError): void {
    this.home.inlet.refuse(error);
  }
}

export class Topics extends Registry<Wanted, Published> {
  /** @param encode - a value as sessions write it; throws what says why it cannot be sent */
  constructor(encode: Shared["encode"]) {
    super("topic", (asked, closed) => new Published(asked, encode, closed));
  }
  /**
   * Creates or finds the topic of that name.
   * @throws TypeError, RangeError for options that are none, and for others than it was made with
   */
  topic(name: string, options?: Options): Topic<unknown> {
    checkName(name);
    return this.entry(name, wanted(options ?? {}), options !== undefined).topic;
  }
}
