/** Prints programs as Go: one `main.go` for all of them. */
import { type Expr, type Func, isChan, isStruct, type Program, type SelectCase, type Stmt, type Type } from "./ast.js";

/** Tasks write lines of their own; a task's name says who started it, so that it is the same in every run. */
const head = `package main

import (
	"bufio"
	"fmt"
	"os"
	"sort"
	"strings"
	"sync"
	"time"
)

type run struct {
	lock  sync.Mutex
	wait  sync.WaitGroup
	tasks []*task
}
type task struct {
	run      *run
	id       string
	children int
	lines    []string
}

func (t *task) spawn(body func(*task)) {
	t.children++
	t.run.start(fmt.Sprintf("%s.%d", t.id, t.children), body)
}
func (r *run) start(id string, body func(*task)) {
	child := &task{run: r, id: id}
	r.lock.Lock()
	r.tasks = append(r.tasks, child)
	r.lock.Unlock()
	r.wait.Add(1)
	go func() {
		defer r.wait.Done()
		if said := guard(func() { body(child) }); said != "no panic" {
			child.print("died of " + said)
		}
	}()
}
func (t *task) print(parts ...interface{}) {
	words := make([]string, len(parts))
	for i, part := range parts {
		words[i] = fmt.Sprint(part)
	}
	t.lines = append(t.lines, t.id+": "+strings.Join(words, " "))
}
func guard(body func()) (said string) {
	said = "no panic"
	defer func() {
		if r := recover(); r != nil {
			said = fmt.Sprint(r)
		}
	}()
	body()
	return
}
func runProgram(out *bufio.Writer, name string, body func(*task)) {
	r := &run{}
	r.start("0", body)
	done := make(chan bool)
	go func() {
		r.wait.Wait()
		close(done)
	}()
	fmt.Fprintln(out, "== "+name)
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		fmt.Fprintln(out, "stuck")
		return
	}
	sort.Slice(r.tasks, func(i, j int) bool { return r.tasks[i].id < r.tasks[j].id })
	for _, t := range r.tasks {
		for _, line := range t.lines {
			fmt.Fprintln(out, line)
		}
	}
}
`;

function type(of: Type): string {
  if (typeof of === "string") return of;
  if (isStruct(of)) return `struct{${of.fields.map(([name, one]) => `${name} ${type(one)}`).join("; ")}}`;
  if (of.dir === "send") return `chan<- ${type(of.chan)}`;
  if (of.dir === "receive") return `<-chan ${type(of.chan)}`;
  return isChan(of.chan) && of.chan.dir === "receive" ? `chan (${type(of.chan)})` : `chan ${type(of.chan)}`;
}

function value(e: Expr): string {
  switch (e.k) {
    case "const":
      return JSON.stringify(e.value);
    case "nil":
      return "nil";
    case "var":
      return e.name;
    case "op":
      return `(${value(e.left)} ${e.op} ${value(e.right)})`;
    case "not":
      return `!${value(e.of)}`;
    case "text":
      return `fmt.Sprint(${value(e.of)})`;
    case "len":
    case "cap":
      return `${e.k}(${value(e.of)})`;
    case "field":
      return `${value(e.of)}.${e.name}`;
    case "struct":
      return `${type(e.type)}{${e.values.map(value).join(", ")}}`;
    case "narrow":
      return value(e.of);
  }
}

class Printer {
  constructor(
    readonly program: Program,
    readonly prefix: string,
  ) {}

  func({ name, params, body }: Func): string {
    const list = params.map((param) => `, ${param.name} ${type(param.type)}`).join("");
    return `func ${this.prefix}${name}(t *task${list}) {\n${this.block(body, "\t")}}\n`;
  }

  block(stmts: readonly Stmt[], tab: string): string {
    return stmts
      .map((stmt) =>
        this.stmt(stmt, tab)
          .map((line) => `${tab}${line}\n`)
          .join(""),
      )
      .join("");
  }

  stmt(stmt: Stmt, tab: string): readonly string[] {
    const inner = (body: readonly Stmt[]) => `{\n${this.block(body, `${tab}\t`)}${tab}}`;
    switch (stmt.s) {
      case "let":
        return [`var ${stmt.to.name} ${type(stmt.to.type)} = ${value(stmt.e)}`, `_ = ${stmt.to.name}`];
      case "set":
        return [`${stmt.to.name} = ${value(stmt.e)}`];
      case "make":
        return [`${stmt.to.name} := make(${type(stmt.to.type)}${stmt.capacity > 0 ? `, ${stmt.capacity}` : ""})`];
      case "send":
        return [`${value(stmt.c)} <- ${value(stmt.e)}`];
      case "receive":
        if (stmt.ok === undefined) return [`${stmt.value.name} := <-${value(stmt.c)}`, `_ = ${stmt.value.name}`];
        return [`${stmt.value.name}, ${stmt.ok.name} := <-${value(stmt.c)}`, `_, _ = ${stmt.value.name}, ${stmt.ok.name}`];
      case "range":
        return [`for ${stmt.value.name} := range ${value(stmt.c)} {`, `\t_ = ${stmt.value.name}`, this.tail(stmt.body, tab)];
      case "close":
        return [`close(${value(stmt.c)})`];
      case "times":
        return [
          `for ${stmt.index.name} := 0; ${stmt.index.name} < ${value(stmt.count)}; ${stmt.index.name}++ {`,
          `\t_ = ${stmt.index.name}`,
          this.tail(stmt.body, tab),
        ];
      case "while":
        return [`for ${value(stmt.condition)} ${inner(stmt.body)}`];
      case "if":
        return [`if ${value(stmt.condition)} ${inner(stmt.body)}${stmt.otherwise.length > 0 ? ` else ${inner(stmt.otherwise)}` : ""}`];
      case "select":
        return [
          "select {",
          ...stmt.cases.map((one) => this.selectCase(one, tab)),
          ...(stmt.otherwise === undefined ? [] : [`default:\n${this.block(stmt.otherwise, `${tab}\t`).trimEnd()}`]),
          "}",
        ];
      case "go":
        return this.go(stmt.name, stmt.args, tab);
      case "print":
        return [`t.print(${stmt.parts.map(value).join(", ")})`];
      case "guard":
        return [`${stmt.to.name} := guard(func() ${inner(stmt.body)})`, `_ = ${stmt.to.name}`];
    }
  }
  /** The rest of a block whose head is printed. */
  tail(body: readonly Stmt[], tab: string): string {
    return `${this.block(body, `${tab}\t`)}${tab}}`.slice(tab.length);
  }

  selectCase(one: SelectCase, tab: string): string {
    const body = this.block(one.body, `${tab}\t`);
    if ("e" in one) return `case ${value(one.c)} <- ${value(one.e)}:\n${body}`.trimEnd();
    const names = `${one.value.name}, ${one.ok.name}`;
    return `case ${names} := <-${value(one.c)}:\n${tab}\t_, _ = ${names}\n${body}`.trimEnd();
  }

  /** Go evaluates the arguments before it starts the task. */
  go(name: string, args: readonly Expr[], tab: string): readonly string[] {
    const params = this.program.functions.find((one) => one.name === name)?.params ?? [];
    const lets = args.map((arg, index) => `${tab}\tvar a${index} ${type(params[index]?.type ?? arg.type)} = ${value(arg)}\n`);
    const call = `${this.prefix}${name}(t${args.map((_, index) => `, a${index}`).join("")})`;
    return [`{\n${lets.join("")}${tab}\tt.spawn(func(t *task) { ${call} })\n${tab}}`];
  }
}

/** A name for one program of the binary, and the program. */
export type Named = readonly [string, Program];

export function programSource([name, program]: Named): string {
  const printer = new Printer(program, `${name}_`);
  return program.functions.map((one) => printer.func(one)).join("\n");
}

/** `main` runs the program of each name; `change` may spoil the text of one. */
export function goSource(programs: readonly Named[], change: (source: string, name: string) => string = (source) => source): string {
  const bodies = programs.map((named) => change(programSource(named), named[0]));
  const calls = programs.map(([name, { functions }]) => `\trunProgram(out, "${name}", ${name}_${functions[0]?.name})\n`);
  return `${head}\nfunc main() {\n\tout := bufio.NewWriter(os.Stdout)\n\tdefer out.Flush()\n${calls.join("")}}\n\n${bodies.join("\n")}`;
}
