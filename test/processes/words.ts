/** What a test and its child processes say to each other, over IPC. */
import type { SessionEnd } from "../../src/node.js";

export interface FlowSettings {
  /** Sends each side has pending at a time; it has sixteen receives. */
  readonly ahead: number;
  /** Some messages hold the send end of a channel, on which the other side answers. */
  readonly questions?: boolean;
  /** A file for the numbers received: each is in it before anything else happens, so that it survives a SIGKILL. */
  readonly journal?: string;
}
export interface ServerSettings {
  /** Listen only when told to: a process that takes another's place has to be there in time. */
  readonly waits?: boolean;
  readonly listeners: readonly {
    readonly port?: number;
    readonly tls?: boolean;
    readonly capacity: number;
    readonly heartbeatMs: number;
    readonly resumeWindowMs: number;
  }[];
}
export interface ClientSettings {
  readonly dials: readonly {
    readonly url: string;
    readonly certificateHash?: string;
    readonly heartbeatMs: number;
    /** With `sessions`: a new session whenever one has ended. */
    readonly again?: boolean;
  }[];
}

/** `at`: the session, by the place of its listener or dial in the settings; the newest there. */
export type Command =
  | ({ readonly do: "flow"; readonly at: number } & FlowSettings)
  /** Begin no more sends; close the direction when all are settled. */
  | { readonly do: "finish"; readonly at: number }
  | { readonly do: "send"; readonly at: number; readonly label: string; readonly value: string }
  /** Sends a question that holds a reply end; settles with the answer. */
  | { readonly do: "ask"; readonly at: number; readonly label: string }
  | { readonly do: "receive"; readonly at: number; readonly label: string }
  | { readonly do: "listen" }
  /** Close what is open, and exit for want of anything to do. */
  | { readonly do: "leave" };

export interface Told {
  readonly code: string;
  readonly outcome: "not-sent" | "unknown" | undefined;
}
export interface Reports {
  readonly listening: { readonly at: number; readonly url: string; readonly certificateHash: string | undefined };
  readonly peer: { readonly at: number; readonly id: string };
  /** `ms`: by the process's own clock. */
  readonly status: { readonly at: number; readonly state: "connected" | "reconnecting" | "ended"; readonly ms: number };
  /** An operation has settled. */
  readonly settled: { readonly at: number; readonly label: string; readonly error?: Told; readonly value?: unknown };
  /** Sent whenever another hundred values were received. */
  readonly progress: { readonly at: number; readonly received: number };
  readonly ended: {
    readonly at: number;
    readonly id: string;
    readonly reason: SessionEnd["reason"];
    readonly code: string | undefined;
    readonly ms: number;
    /** Single values as they are, those of a flow by their numbers, questions as null. */
    readonly undelivered: readonly { readonly value: unknown; readonly outcome: "not-sent" | "unknown" }[];
  };
  /** A flow is over: nothing of it is pending any more. */
  readonly flow: {
    readonly at: number;
    readonly started: number;
    readonly fulfilled: number;
    readonly asked: number;
    readonly answered: number;
    readonly received: number;
    /** Why receiving ended; null: it was `done`. */
    readonly stopped: string | null;
    readonly rejected: readonly (Told & { readonly n: number })[];
    /** What should not have been received, or not then, or not like that. */
    readonly wrong: readonly string[];
  };
}
export type Report = { readonly [K in keyof Reports]: { readonly kind: K } & Reports[K] }[keyof Reports];
