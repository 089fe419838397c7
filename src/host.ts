/** Which world a peer lives in: the platform's, unless its link comes from a virtual one. Layer: peer. */
import type { Link } from "./contract.js";
import { report } from "./diagnostics.js";
import { platformPage } from "./page.js";
import { clock, defer, random, randomBytes, weakly } from "./runtime.js";
import type { Host } from "./session/host.js";

const platform: Host = { clock, random, randomBytes, defer, weakly, report, page: () => platformPage() };
const virtual = new WeakMap<object, Host>();

/** Marks a link, or a function that opens links, as belonging to a virtual world. */
export function inWorld<T extends object>(thing: T, host: Host): T {
  virtual.set(thing, host);
  return thing;
}
export function hostOf(thing: Link | object | undefined): Host {
  return (thing === undefined ? undefined : virtual.get(thing)) ?? platform;
}
