/** The values of a running program: what expressions are, and how a variable of a type holds them. */
import { type Expr, isChan, isStruct, type Type } from "./ast.js";
import type { Fields, Held, Value } from "./world.js";

export type Names = Map<string, Value>;

export function zero(type: Type): Value {
  if (type === "int") return 0;
  if (type === "string") return "";
  if (type === "bool") return false;
  if (isStruct(type)) return Object.fromEntries(type.fields.map(([name, one]) => [name, zero(one)]));
  return null;
}

/** A value as a variable of that type holds it: a channel has the ends that the type says. */
export function shaped(value: Value, type: Type): Value {
  if (value === null || typeof value !== "object") return value;
  if (isStruct(type)) return Object.fromEntries(type.fields.map(([name, one]) => [name, shaped((value as Fields)[name] ?? null, one)]));
  const { id, send, receive } = value as Held;
  const dir = isChan(type) ? type.dir : "both";
  return { id, ...(dir === "receive" || !send ? {} : { send }), ...(dir === "send" || !receive ? {} : { receive }) };
}

/** `buffered` says how many values a channel holds. */
export function evaluate(names: Names, e: Expr, buffered: (id: string) => number): Value {
  const inner = (one: Expr): Value => evaluate(names, one, buffered);
  switch (e.k) {
    case "const":
      return e.value;
    case "nil":
      return null;
    case "var":
      return names.get(e.name) ?? null;
    case "op":
      return operation(e.op, inner(e.left), inner(e.right));
    case "not":
      return inner(e.of) !== true;
    case "text":
      return String(inner(e.of));
    case "len":
      return buffered((inner(e.of) as Held).id);
    case "cap": {
      const { send, receive } = inner(e.of) as Held;
      return (send ?? receive)?.capacity ?? -1;
    }
    case "field":
      return (inner(e.of) as Fields)[e.name] ?? null;
    case "struct": {
      const fields = isStruct(e.type) ? e.type.fields : [];
      return shaped(Object.fromEntries(e.values.map((one, index) => [fields[index]?.[0], inner(one)])), e.type);
    }
    case "narrow":
      return shaped(inner(e.of), e.type);
  }
}

function operation(op: string, left: Value, right: Value): Value {
  const [one, other] = [left as number, right as number];
  switch (op) {
    case "+":
      return typeof left === "string" ? left + String(right) : one + other;
    case "-":
      return one - other;
    case "*":
      return one * other;
    case "%":
      return one % other;
    case "<":
      return one < other;
    case "<=":
      return one <= other;
    case "&&":
      return left === true && right === true;
    case "||":
      return left === true || right === true;
    default:
      return same(left, right) === (op === "==");
  }
}

/** Channels are the same when the ends that both have are. */
function same(left: Value, right: Value): boolean {
  if (left === null || right === null || typeof left !== "object") return left === right;
  const [one, other] = [left as Held, right as Held];
  const [sends, receives] = [
    one.send && other.send && one.send === other.send,
    one.receive && other.receive && one.receive === other.receive,
  ];
  return sends !== false && receives !== false && (sends === true || receives === true);
}
