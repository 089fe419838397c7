/**
 * The language of the made-up programs: the part of Go that is about channels. One program is printed as Go and run with netchan.
 * Every expression knows its type, so that both sides can be written without looking anything up.
 */
export type Direction = "both" | "send" | "receive";
export interface ChanType {
  readonly chan: Type;
  readonly dir: Direction;
}
export interface StructType {
  readonly fields: readonly (readonly [string, Type])[];
}
export type Type = "int" | "string" | "bool" | ChanType | StructType;

export const isChan = (type: Type): type is ChanType => typeof type === "object" && "chan" in type;
export const isStruct = (type: Type): type is StructType => typeof type === "object" && "fields" in type;
export const chanOf = (chan: Type, dir: Direction = "both"): ChanType => ({ chan, dir });
export const ints = chanOf("int");

type Operator = "+" | "-" | "*" | "%" | "==" | "!=" | "<" | "<=" | "&&" | "||";
type Shape =
  | { readonly k: "const"; readonly value: number | string | boolean }
  | { readonly k: "nil" }
  | { readonly k: "var"; readonly name: string }
  | { readonly k: "op"; readonly op: Operator; readonly left: Expr; readonly right: Expr }
  | { readonly k: "not" | "len" | "cap" | "text"; readonly of: Expr }
  | { readonly k: "field"; readonly of: Expr; readonly name: string }
  | { readonly k: "struct"; readonly values: readonly Expr[] }
  /** The same channel with fewer ends; Go converts by itself. */
  | { readonly k: "narrow"; readonly of: Expr };
export type Expr = Shape & { readonly type: Type };
export type Var = Expr & { readonly k: "var" };

/** What may stand where an expression is wanted. */
export type Given = Expr | number | string | boolean;

export function expr(given: Given): Expr {
  if (typeof given === "object") return given;
  return { k: "const", value: given, type: typeof given === "number" ? "int" : typeof given === "string" ? "string" : "bool" };
}
const op =
  (name: Operator, type: Type) =>
  (left: Given, right: Given): Expr => ({ k: "op", op: name, left: expr(left), right: expr(right), type });
export const [plus, minus, times, modulo] = [op("+", "int"), op("-", "int"), op("*", "int"), op("%", "int")];
export const [equal, differs, less, atMost] = [op("==", "bool"), op("!=", "bool"), op("<", "bool"), op("<=", "bool")];
export const [and, or] = [op("&&", "bool"), op("||", "bool")];
export const join = op("+", "string");
export const not = (of: Expr): Expr => ({ k: "not", of, type: "bool" });
export const length = (of: Expr): Expr => ({ k: "len", of, type: "int" });
export const capacity = (of: Expr): Expr => ({ k: "cap", of, type: "int" });
/** As text. */
export const text = (of: Expr): Expr => ({ k: "text", of, type: "string" });
export const nil = (type: ChanType): Expr => ({ k: "nil", type });
export const isOn = (channel: Expr): Expr => differs(channel, nil(channel.type as ChanType));
export const struct = (type: StructType, ...values: Given[]): Expr => ({ k: "struct", values: values.map(expr), type });
export const narrow = (of: Expr, dir: Direction): Expr => ({ k: "narrow", of, type: chanOf(element(of), dir) });

export function field(of: Expr, name: string): Expr {
  const type = isStruct(of.type) ? of.type.fields.find(([known]) => known === name)?.[1] : undefined;
  if (type === undefined) throw new TypeError(`there is no field ${name}`);
  return { k: "field", of, name, type };
}
/** What a channel carries. */
export function element(channel: Expr): Type {
  if (!isChan(channel.type)) throw new TypeError("only a channel has elements");
  return channel.type.chan;
}

export interface ReceiveCase {
  readonly c: Expr;
  readonly value: Var;
  readonly ok: Var;
  readonly body: readonly Stmt[];
}
export interface SendCase {
  readonly c: Expr;
  readonly e: Expr;
  readonly body: readonly Stmt[];
}
export type SelectCase = ReceiveCase | SendCase;

export type Stmt =
  | { readonly s: "let" | "set"; readonly to: Var; readonly e: Expr }
  | { readonly s: "make"; readonly to: Var; readonly capacity: number }
  | { readonly s: "send"; readonly c: Expr; readonly e: Expr }
  | { readonly s: "receive"; readonly c: Expr; readonly value: Var; readonly ok: Var | undefined }
  | { readonly s: "range"; readonly c: Expr; readonly value: Var; readonly body: readonly Stmt[] }
  | { readonly s: "close"; readonly c: Expr }
  | { readonly s: "times"; readonly index: Var; readonly count: Expr; readonly body: readonly Stmt[] }
  | { readonly s: "while"; readonly condition: Expr; readonly body: readonly Stmt[] }
  | { readonly s: "if"; readonly condition: Expr; readonly body: readonly Stmt[]; readonly otherwise: readonly Stmt[] }
  | { readonly s: "select"; readonly cases: readonly SelectCase[]; readonly otherwise: readonly Stmt[] | undefined }
  | { readonly s: "go"; readonly name: string; readonly args: readonly Expr[] }
  | { readonly s: "print"; readonly parts: readonly Expr[] }
  /** Runs the body; the panic that ended it, or "no panic". */
  | { readonly s: "guard"; readonly to: Var; readonly body: readonly Stmt[] };

export interface Func {
  readonly name: string;
  readonly params: readonly Var[];
  readonly body: readonly Stmt[];
}
export interface Program {
  readonly seed: number;
  /** The first is called without arguments. */
  readonly functions: readonly Func[];
  readonly features: ReadonlySet<string>;
}
