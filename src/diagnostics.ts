/**
 * What this process tells those who watch it: `node:diagnostics_channel`, where there is one (Node from 20.16 on). docs/production.md.
 * Costs nothing while nobody has subscribed. Layer: runtime.
 */
import type { Report } from "./session/host.js";

interface DiagnosticsChannel {
  readonly hasSubscribers: boolean;
  publish(message: unknown): void;
}
interface Diagnostics {
  channel(name: string): DiagnosticsChannel;
}
/** The part of Node's `process` that finds its modules without an import that a browser's bundle would stumble over. */
interface Builtins {
  readonly getBuiltinModule?: (name: "node:diagnostics_channel") => Diagnostics | undefined;
}

const channels = new Map<string, DiagnosticsChannel | undefined>();

function channelOf(name: string): DiagnosticsChannel | undefined {
  if (!channels.has(name)) {
    const { process } = globalThis as { readonly process?: Builtins };
    channels.set(name, process?.getBuiltinModule?.("node:diagnostics_channel")?.channel(`netchan:${name}`));
  }
  return channels.get(name);
}

/** Publishes `make()` as `netchan:<name>`, if anybody has subscribed. */
export const report: Report = (name, make) => {
  const channel = channelOf(name);
  if (channel?.hasSubscribers === true) channel.publish(make());
};
