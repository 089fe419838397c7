import { runSeed } from "./simulation/program.ts";
import { World } from "./simulation/world.ts";
import * as F from "./simulation/faults.ts";
import { SessionPeer } from "../src/peer.ts";
import { Session } from "../src/session/session.ts";
import { Wire } from "./simulation/cable.ts";
import { Redial } from "../src/redial.ts";
let world: any;
const log = (...a: unknown[]) => console.log(world?.now?.toFixed?.(0) ?? "-", ...a);
const oc = World.prototype.connect; World.prototype.connect = function () { world = this; return oc.call(this); };
const id = (s: any) => s.__id ??= Math.floor(Math.random() * 1000);
for (const m of ["suspended", "connected", "finished", "reconnecting"] as const) { const o = (SessionPeer.prototype as any)[m]; (SessionPeer.prototype as any)[m] = function (...a: any[]) { log(m, this.exchange.__x ??= ++n, this.id.slice(0,4), m === "finished" ? JSON.stringify(a[0].reason) + String(a[0].error) : m==="suspended" ? String(a[0]) : m === "reconnecting" ? `attempt ${a[0].attempt} in ${a[0].retryInMs}` : ""); return o.apply(this, a); }; }
let n = 0;
const ws = Wire.prototype.deliver; Wire.prototype.deliver = function () { const b: any = this.queue[0]; log("  >", this.to.name, b?.batch ?? b); return ws.call(this); };
if (process.argv[3]) { }
(globalThis as any).onStrike = (line: any, fault: any, state: any) => log("FAULT", fault, state, line.ends);
import { History } from "./simulation/history.ts";
const ob = History.prototype.begin; History.prototype.begin = function (p, k, parts) { const r = ob.call(this, p, k, parts); (r as any).id = ++n; log("BEGIN", (r as any).id, k, "by", p, parts.map((x) => `ch${x.channel.index}@${x.channel.home}:${x.value}`).join(" ")); return r; };
const os = History.prototype.settle; History.prototype.settle = function (o, out) { log("SETTLE", (o as any).id, o.kind, out.error ? String(out.error).slice(0, 100) : out.received ?? out.done?.value); return os.call(this, o, out); };
try { console.log(await runSeed(Number(process.argv[2]))); } catch (e) { console.log(e); }
