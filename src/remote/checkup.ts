/**
 * Values of other processes against the schema of a channel: before anything is done with them. Layer: remote.
 * Source: PROTOCOL.md "Named channels"; Standard Schema v1 (standardschema.dev).
 */
import type { StandardSchema } from "../contract.js";
import { NetchanError } from "../errors.js";
import { inTime } from "../session/handshake.js";
import type { Host } from "../session/host.js";
import type { WireParcel } from "./content.js";

/** Why a value is refused; undefined: it is not. */
export type Verdict = NetchanError | undefined;

type Result = Awaited<ReturnType<StandardSchema<unknown>["~standard"]["validate"]>>;

/** Checks a value; what the schema makes of it is what arrives. */
export function checkup(schema: StandardSchema<unknown>, parcel: WireParcel, host: Host): Verdict | Promise<Verdict> {
  let value: unknown;
  try {
    value = parcel.examine();
  } catch (cause) {
    return new NetchanError("DECODE_FAILED", "the value could not be read", { cause, outcome: "not-sent" });
  }
  try {
    const result = schema["~standard"].validate(value);
    return isPromise(result)
      ? inTime(host, "word of the schema", result)
          .then((late) => judge(late, parcel))
          .catch(refused)
      : judge(result, parcel);
  } catch (error) {
    return refused(error);
  }
}

function isPromise(result: Result | Promise<Result>): result is Promise<Result> {
  return typeof (result as { readonly then?: unknown }).then === "function";
}

function judge(result: Result, parcel: WireParcel): Verdict {
  if (result.issues === undefined) {
    parcel.examined(result.value);
    return undefined;
  }
  const [issue] = result.issues as readonly { readonly message?: unknown }[];
  const says = typeof issue?.message === "string" ? issue.message : "it says no more";
  return new NetchanError("VALUE_REFUSED", `the value does not pass the channel's schema: ${says}`, {
    outcome: "not-sent",
  });
}

/** What a schema throws is the application's business. */
function refused(cause: unknown): NetchanError {
  return new NetchanError("VALUE_REFUSED", "the value could not be checked against the channel's schema", { cause, outcome: "not-sent" });
}
