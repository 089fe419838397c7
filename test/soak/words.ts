/** What the tests of this folder and their child processes tell each other. */

export type Scenario = "reconnects in memory" | "reconnects over WebSocket" | "sessions in memory" | "sessions over WebSocket";

/** What a process holds when it has nothing to do. */
export interface Held {
  /** How often it has done what it does. */
  readonly done: number;
  readonly heapBytes: number;
  /** Buffers outside the heap. */
  readonly externalBytes: number;
  /** What keeps it alive: sockets, servers, timers; sorted. */
  readonly handles: readonly string[];
}

export interface Report {
  readonly held: readonly Held[];
  /** Links that were opened. */
  readonly links: number;
  readonly seconds: number;
}
