/**
 * Bugs that the simulator has to find: one change each to the code under test, and a seed that finds it. If one of them slips through,
 * the simulator has become blind to something.
 */
export interface Mutant {
  readonly name: string;
  readonly file: string;
  /** This text, which stands once in the file, … */
  readonly from: string;
  /** … is replaced by this. */
  readonly to: string;
  /** A run that finds it. */
  readonly seed: number;
}

export const mutants: readonly Mutant[] = [
  {
    name: "settles a send when its value is offered, not when it is taken",
    file: "src/core/home.ts",
    from: "    waiter.accept(item);\n",
    to: "    item.sender.sent();\n    waiter.accept(item);\n",
    seed: 1,
  },
  {
    name: "skips the epoch of a decline",
    file: "src/remote/remote-receive.ts",
    from: "if (epoch !== this.#epoch || this.#ending !== undefined) {",
    to: "if (epoch < 0) {",
    seed: 127,
  },
  {
    name: "puts a declined value at the end of the line",
    file: "src/core/line.ts",
    from: "if (tail === undefined || tail.order < item.order) {",
    to: "if (tail === undefined || tail !== undefined) {",
    seed: 938,
  },
  {
    name: "forgets to take back the demand with a decline",
    file: "src/remote/ledger.ts",
    from: "this.offered = this.limit = number - 1;",
    to: "this.offered = number - 1;",
    seed: 85,
  },
  {
    name: "does not tell the home of new demand after a decline",
    file: "src/remote/remote-receive.ts",
    from: "    this.#limit = this.#seen + index;\n",
    to: "",
    seed: 2,
  },
  {
    name: "drops the value of an aborted receive",
    file: "src/remote/remote-receive.ts",
    from: 'this.#decline(0, own ? "skip" : "decline");',
    to: 'this.#answer(offer, "take");',
    seed: 2,
  },
  {
    name: "lets a locked select take part in a match",
    file: "src/core/item.ts",
    from: 'if (receiver !== undefined && receiver.state !== "open") return false;',
    to: "",
    seed: 10,
  },
  { name: "lets a select meet itself", file: "src/core/item.ts", from: "this.selection !== receiver", to: "true", seed: 6 },
  {
    name: "leaves the other cases of a select in line",
    file: "src/core/selection.ts",
    from: "for (const entry of entries) entry.withdraw();",
    to: "",
    seed: 2,
  },
  {
    name: "does not look again when a select opens",
    file: "src/core/selection.ts",
    from: '      this.#look();\n    }\n    if (this.state === "open") this.onReopened',
    to: '    }\n    if (this.state === "open") this.onReopened',
    seed: 16,
  },
  {
    name: "shows the end while an offer is open",
    file: "src/core/home.ts",
    from: "this.#closing.closed && this.#offered === 0 && this.#line.empty",
    to: "this.#closing.closed && this.#line.empty",
    seed: 1092,
  },
  {
    name: "counts offered values as room",
    file: "src/core/home.ts",
    from: "this.#line.buffer.size + this.#offeredFulfilled + this.#fulfilling + kept < this.capacity",
    to: "this.#line.buffer.size + this.#fulfilling + kept < this.capacity",
    seed: 8,
  },
  {
    name: "commits a select's value without a claim",
    file: "src/core/item.ts",
    from: "return !this.fulfilled && this.claim !== undefined && !this.claim.granted;",
    to: "return false;",
    seed: 1,
  },
  {
    name: "refuses a claim of a select that is being decided",
    file: "src/remote/remote-send.ts",
    from: "      this.#asked = true;\n",
    to: '      this.port.answer("deny", number);\n      if (number > 0) return;\n',
    seed: 382,
  },
  {
    name: "never makes way for a higher select",
    file: "src/remote/remote-receive.ts",
    from: "offer.selectId !== undefined && deciding.id < offer.selectId",
    to: "false",
    seed: 1475,
  },
  {
    name: "gives no reference back when a value is declined",
    file: "src/remote/remote-receive.ts",
    from: "for (const offer of declined) offer.parcel?.discard();",
    to: "",
    seed: 80,
  },
  {
    name: "counts a returned reference twice",
    file: "src/remote/remote-end.ts",
    from: "this.#count -= count;",
    to: "this.#count -= count + 1;",
    seed: 1,
  },
  {
    name: "accepts what a window does not allow to be sent",
    file: "src/remote/windows.ts",
    from: "return this.#posted + bytes <= this.granted;",
    to: "return bytes >= 0;",
    seed: 6,
  },
  { name: "never fetches an announced value", file: "src/remote/windows.ts", from: "      fetch.post();\n", to: "", seed: 9 },
  {
    name: "loses a relayed withdrawal",
    file: "src/remote/relay.ts",
    from: '      case "withdrawn":\n        if',
    to: '      case "withdrawn":\n        if (frame.type === "withdrawn") return;\n        if',
    seed: 21,
  },
  {
    name: "drops every twentieth frame as a duplicate",
    file: "src/session/session.ts",
    from: "          this.#received++;\n",
    to: "          this.#received++;\n          if (this.#received % 20 === 0) continue;\n",
    seed: 1,
  },
  {
    name: 'says "not-sent" of what may have been received',
    file: "src/remote/remote-send.ts",
    from: 'one.content === undefined ? "unknown" : "not-sent"',
    to: '"not-sent"',
    seed: 120,
  },
  {
    name: "lets a value follow the close of its channel",
    file: "src/core/closing.ts",
    from: "if (this.#refusing === undefined && this.#closed === undefined)",
    to: "if (this.#refusing === undefined)",
    seed: 4,
  },
];
