/** What a send end of another process keeps of an operation until its home has answered. Layer: remote. */
import type { Port } from "../core/end.js";
import type { Sender } from "../core/operations.js";
import type { Posted } from "../session/outbox.js";
import type { Content } from "./content.js";

/** An operation the home has not answered. */
export interface Pending extends Sender {
  /** The value, as long as it has not left this process. */
  content: Content | undefined;
  /** The channel ends in the value: they live until its fate is known. */
  ends?: readonly Port[];
  /** The frame that told its home of it … */
  told?: Posted | undefined;
  /** … what that counts in the home's window … */
  counted?: number;
  /** … and the frame with the value, once there is one. */
  carried?: Posted | undefined;
  /** What the user sent, where it may have to be given back. */
  value?: unknown;
  withdrawn(): void;
  /** Could that be the answer now? */
  expects(answer: "sent" | "withdrawn"): boolean;
  claimed?(): void;
  unclaimed?(): void;
}
