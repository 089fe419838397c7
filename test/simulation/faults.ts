/**
 * What goes wrong between and in the processes of a simulated network, and in which state it hits a session. A seed draws a *profile*: which
 * faults it knows at all, and how often they come (swarm testing: Groce et al., ISSTA 2012), because some bugs show only where others are absent.
 */
import type { Cable } from "./cable.js";
import { heartbeatMs, type Line, type World } from "./world.js";

/** Every fault, with what it needs to be one: a link to damage, or nothing. */
export const faultKinds = {
  "clean close": "link",
  "abrupt cut": "link",
  "cut inside a frame": "link",
  "cut seen by the dialer only": "link",
  "cut seen by the listener only": "link",
  "half-open towards the listener": "link",
  "half-open towards the dialer": "link",
  "half-open both ways": "link",
  delay: "link",
  "another link (reconnect)": "none",
  outage: "none",
  "stall, short": "none",
  "stall, longer than the window": "none",
  "sleep: a stall with the links cut": "none",
  "clock jump": "none",
  "coalesced timers": "none",
  "kill and replace": "none",
} as const;
export type Fault = keyof typeof faultKinds;
export const faults = Object.keys(faultKinds) as readonly Fault[];

export const states = ["idle", "busy", "full", "suspended", "resuming", "replaying", "two links", "closing"] as const;
export type State = (typeof states)[number];

/** How often each fault hit each state. */
export type Coverage = Map<string, number>;
export const cell = (state: State, fault: Fault): string => `${state} × ${fault}`;
/** What cannot be: a link is damaged where there is none, a session that only waits has nothing unacknowledged by definition. */
export function possible(state: State, fault: Fault): boolean {
  return !(state === "suspended" && faultKinds[fault] === "link");
}

/** The link that a fault would hit: one that still carries something, the newest first. */
function target({ cables }: Line): Cable | undefined {
  return cables.findLast((cable) => cable.wires.some((wire) => !wire.over && !wire.silent));
}

export function stateOf(line: Line): State | undefined {
  const [near, far] = line.peers;
  if (near.session.ended !== undefined || far.session.ended !== undefined) return undefined;
  if (line.closing) return "closing";
  const mine = line.cables.find(({ dialerSide }) => dialerSide === far.session.link);
  const theirs = line.cables.find(({ listenerSide }) => listenerSide === near.session.link);
  if (line.cables.some(({ up, down }) => up.has('[["resume"') || down.has('[["resumed"'))) return "resuming";
  if (mine !== undefined && theirs !== undefined && mine !== theirs) return "two links";
  if (mine === undefined || theirs === undefined) return target(line) === undefined ? "suspended" : "two links";
  const kept = near.session.stats.kept + far.session.stats.kept;
  if (kept > 0 && line.cables.some(({ fresh }) => fresh)) return "replaying";
  if (near.session.congested || far.session.congested) return "full";
  return kept > 0 ? "busy" : "idle";
}

export interface Profile {
  readonly faults: readonly Fault[];
  /** Of one step that a fault comes with it. */
  readonly rate: number;
}

export function drawProfile(world: World): Profile {
  const { windowMs } = world.shape;
  const mortal = windowMs < 60_000;
  const known = faults.filter((fault) => world.random() < 0.5 && (mortal || !ends(fault)));
  return { faults: known, rate: world.pick([0.02, 0.1, 0.3]) };
}
/** May it end a session? */
function ends(fault: Fault): boolean {
  return fault === "stall, longer than the window" || fault === "kill and replace";
}

/** Lets something go wrong with a line. @returns the state it hit, if it hit anything. */
export function strike(world: World, line: Line, fault: Fault): State | undefined {
  const state = stateOf(line);
  if (state === undefined || !possible(state, fault)) return undefined;
  const cable = target(line);
  if (faultKinds[fault] === "link" && cable === undefined) return undefined;
  // The faults that end things are kept for the states that are rare.
  if (ends(fault) && (state === "idle" || state === "busy") && world.random() < 0.95) return undefined;
  const windowMs = world.shape.windowMs;
  const side = world.below(2);
  const process = world.processes[line.ends[side] as number];
  if (process === undefined || process.dead) return undefined;
  const [, far] = line.peers;
  switch (fault) {
    case "clean close":
      for (const wire of cable?.wires ?? []) wire.send({ end: undefined });
      break;
    case "abrupt cut":
      for (const wire of cable?.wires ?? []) wire.break(0);
      break;
    case "cut inside a frame":
      for (const wire of cable?.wires ?? []) wire.break(world.below(wire.queue.length + 1));
      break;
    case "cut seen by the dialer only":
      cable?.down.break(0);
      if (cable !== undefined) cable.up.over = true; // what is under way still arrives, and no end
      break;
    case "cut seen by the listener only":
      cable?.up.break(0);
      if (cable !== undefined) cable.down.over = true;
      break;
    case "half-open towards the listener":
      if (cable !== undefined) cable.up.silent = true;
      break;
    case "half-open towards the dialer":
      if (cable !== undefined) cable.down.silent = true;
      break;
    case "half-open both ways":
      for (const wire of cable?.wires ?? []) {
        wire.silent = true;
        wire.queue.length = 0;
      }
      break;
    case "delay":
      for (const wire of cable?.wires ?? []) if (world.random() < 0.7) wire.heldUntil = world.now + world.pick([20, 200, 2_500]);
      break;
    case "another link (reconnect)":
      far.reconnect();
      break;
    case "outage":
      // Around the window on purpose: its end races the return.
      line.outageUntil =
        world.now + (windowMs < 60_000 ? windowMs + world.pick([-windowMs, -windowMs / 2, -20, -1, 0, 1, 20]) : world.below(5_000));
      if (windowMs < 60_000) line.mortal = true;
      for (const wire of cable?.wires ?? []) wire.break(0);
      break;
    case "stall, short":
      process.frozenUntil = world.now + world.below(4_000);
      break;
    case "stall, longer than the window":
      process.frozenUntil = world.now + windowMs * 2 + world.below(5_000);
      break;
    case "sleep: a stall with the links cut":
      for (const wire of cable?.wires ?? []) wire.silent = true;
      process.frozenUntil = world.now + world.below(10_000);
      break;
    case "clock jump":
      process.jump(world.pick([1_000, 30_000, 3_600_000]));
      break;
    case "coalesced timers":
      process.coarseMs = world.pick([0, 1_000, 60_000]);
      break;
    case "kill and replace":
      world.kill(line.ends[side] as number);
      break;
  }
  // A process that stood still, or whose clock jumped, finds windows over that others would have waited for.
  if (windowMs < 60_000 || fault === "clock jump")
    for (const other of world.lines) if (other.ends.includes(process.name)) other.mortal = true;
  return state;
}

/** Timers that come more rarely than heartbeats can keep links from lasting: whoever waits for calm sees to them at least. */
export function keepTime(world: World): void {
  for (const process of world.processes) process.coarseMs = Math.min(process.coarseMs, heartbeatMs);
}

/** Nothing goes wrong any more. */
export function heal(world: World): void {
  for (const process of world.processes) {
    process.frozenUntil = Math.min(process.frozenUntil, world.now);
    process.coarseMs = 0;
  }
  for (const line of world.lines) {
    line.outageUntil = 0;
    for (const { wires } of line.cables) for (const wire of wires) wire.heldUntil = 0;
  }
}
