/**
 * Bugs that the oracle has to find: one change each to the code under test, and the number of the first history that finds it. If one
 * of them slips through, the oracle has become blind to something.
 */
export interface Mutant {
  readonly name: string;
  readonly file: string;
  /** This text, which stands once in the file, … */
  readonly from: string;
  /** … is replaced by this. */
  readonly to: string;
  readonly history: number;
}

export const mutants: readonly Mutant[] = [
  {
    name: "gives the newest of a buffer first",
    file: "src/core/line.ts",
    from: "if (buffered === undefined || waiting === undefined) return buffered ?? waiting;",
    to: "if (buffered === undefined || waiting === undefined) return this.buffer.tail ?? waiting;",
    history: 21,
  },
  {
    name: "puts a declined value at the end of the line",
    file: "src/core/line.ts",
    from: "if (tail === undefined || tail.order < item.order) {",
    to: "if (tail === undefined || tail !== undefined) {",
    history: 935,
  },
  {
    name: "buffers one value too many",
    file: "src/core/home.ts",
    from: "this.#fulfilling + kept < this.capacity",
    to: "this.#fulfilling + kept < this.capacity + (this.capacity > 0 ? 1 : 0)",
    history: 3,
  },
  {
    name: "counts offered values as room",
    file: "src/core/home.ts",
    from: "this.#line.buffer.size + this.#offeredFulfilled + this.#fulfilling + kept < this.capacity",
    to: "this.#line.buffer.size + this.#fulfilling + kept < this.capacity",
    history: 202,
  },
  {
    name: "fulfils a send when its value is offered",
    file: "src/core/home.ts",
    from: "    waiter.accept(item);\n",
    to: "    item.sender.sent();\n    waiter.accept(item);\n",
    history: 7,
  },
  {
    name: "gives some values twice",
    file: "src/core/home.ts",
    from: "    if (!item.fulfilled) item.sender.sent();\n    item.letGo();\n",
    to: "    if (!item.fulfilled) item.sender.sent();\n    else if (item.order % 7 === 0) this.#line.insert(item);\n    item.letGo();\n",
    history: 2127,
  },
  {
    name: "drops the value of an aborted receive",
    file: "src/remote/remote-receive.ts",
    from: 'this.#decline(0, own ? "skip" : "decline");',
    to: 'this.#answer(offer, "take");',
    history: 7,
  },
  {
    name: "drops a buffered value that comes back",
    file: "src/core/home.ts",
    from: '      item.state = "queued";\n      this.#place(item);\n      if (item.list',
    to: '      item.state = "queued";\n      if (!item.fulfilled) this.#place(item);\n      if (item.list',
    history: 160,
  },
  {
    name: "says of an offered value that it was taken back",
    file: "src/core/home.ts",
    from: 'if (item.state === "offered") item.withdrawn = withdrawn;',
    to: 'if (item.state === "offered") withdrawn();',
    history: 225,
  },
  {
    name: "lets a close overtake sends",
    file: "src/core/home.ts",
    from: "      if (item.conditional && item.list !== undefined) this.#fail(item, this.#closing.closedError());",
    to: "      if (item.list !== undefined) this.#fail(item, this.#closing.closedError());",
    history: 12,
  },
  {
    name: "shows the end while senders wait",
    file: "src/core/home.ts",
    from: "(this.#closing.closed && this.#offered === 0 && this.#line.empty)",
    to: "(this.#closing.closed && this.#offered === 0 && this.#line.buffer.size === 0)",
    history: 44,
  },
  {
    name: "shows the end while an offer is open",
    file: "src/core/home.ts",
    from: "this.#closing.closed && this.#offered === 0 && this.#line.empty",
    to: "this.#closing.closed && this.#line.empty",
    history: 2728,
  },
  {
    name: "does two cases of a select",
    file: "src/core/item.ts",
    from: 'this.selection === undefined || (this.selection.state === "open" && this.selection !== receiver)',
    to: "this.selection === undefined || this.selection !== receiver",
    history: 1036,
  },
  {
    name: "aborts a select that is being decided",
    file: "src/core/selection.ts",
    from: '    if (this.state !== "locked") {\n      this.fail(reason);',
    to: '    if (this.state !== "done") {\n      this.fail(reason);',
    history: 31,
  },
  {
    name: "looks at one case only of a trySelect",
    file: "src/core/select.ts",
    from: "    this.selection.start(this.#here);",
    to: "    this.selection.start(this.#here.slice(0, 1));",
    history: 5,
  },
  {
    name: "asks no home about a trySelect of two cases",
    file: "src/remote/attempts.ts",
    from: "if (!exchange.linked) settled(undefined);",
    to: "if (!exchange.linked || cases.length > 1) settled(undefined);",
    history: 13,
  },
  {
    name: "lets what comes behind a value that a select gave back be received before it",
    file: "src/remote/attempts.ts",
    from: 'if (inside && end.kind === "receive") end.declineFollowing();',
    to: 'if (!inside && end.kind === "receive") end.declineFollowing();',
    history: 8388,
  },
  {
    name: "gives a select a value that something before it was declined for",
    file: "src/remote/attempts.ts",
    from: "if (!end.inOrder(epoch)) {",
    to: "if (!end.inOrder(epoch) && epoch < 0) {",
    history: 493,
  },
];
