/** From the text of a formula to its tree, by descent, never evaluated; ops/formulas/parsing.py. */
import { KEYWORDS, Misread, quoteName, quoteText, type Node, type Test, type Value } from "./syntax.ts";

interface Token {
  kind: "number" | "item" | "word" | "string" | "tick" | "op" | "end";
  text: string;
  start: number;
  end: number;
}
const TOKEN = new RegExp(
  [
    /(\s+)/,
    /((?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+(?![\p{L}\p{N}_]))?)/u,
    /@([0-9]{1,18})(?![0-9])/,
    /([\p{L}_][\p{L}\p{N}_]*)/u,
    /'((?:[^']|'')*)'/,
    /"((?:[^"]|"")*)"/,
    /`((?:[^`]|``)+)`/,
    /(==|!=|<>|<=|>=|[-+*()=<>,])/,
  ]
    .map(({ source }) => source)
    .join("|"),
  "uy",
);
const KINDS = [null, "number", "item", "word", "string", "string", "tick", "op"] as const;
const MARKS = ["", "", "", "", "'", '"', "`", ""];
const COMPARE = new Set(["=", "==", "!=", "<>", "<", "<=", ">", ">="]);
const [LONGEST, DEEPEST] = [10_000, 40];

class Parser {
  private readonly tokens: Token[] = [];
  private at = 0;
  private depth = 0;

  constructor(
    private readonly text: string,
    private readonly what = "formula",
  ) {
    if (text.length > LONGEST)
      throw new Misread(`${what}: ${text.length} characters; wanted at most ${LONGEST}`);
    TOKEN.lastIndex = 0;
    let at = 0;
    while (at < text.length) {
      TOKEN.lastIndex = at;
      const match = TOKEN.exec(text);
      if (!match) this.refuse(at);
      const which = KINDS.findIndex((kind, i) => kind !== null && match[i + 1] !== undefined);
      if (which > 0) {
        const [kind, mark] = [KINDS[which] as Token["kind"], MARKS[which] as string];
        const raw = match[which + 1] as string;
        this.tokens.push({
          kind,
          text: mark ? raw.replaceAll(mark + mark, mark) : raw,
          start: at,
          end: TOKEN.lastIndex,
        });
      }
      at = TOKEN.lastIndex;
    }
    this.tokens.push({ kind: "end", text: "", start: text.length, end: text.length });
  }

  private refuse(at: number): never {
    const mark = this.text[at] as string;
    const why = "'\"`".includes(mark)
      ? `the quote ${mark} is never closed`
      : mark === "@"
        ? "wanted the number of an item after @, such as @12"
        : `'${mark}' has no meaning in a ${this.what}`;
    throw new Misread(`${this.what} '${this.text}': ${why} (character ${at + 1})`, at);
  }
  private fail(wanted: string, token = this.next): never {
    const got = token.kind === "end" ? "the end" : `'${this.text.slice(token.start, token.end)}'`;
    throw new Misread(
      `${this.what} '${this.text}': wanted ${wanted} at character ${token.start + 1}, got ${got}`,
      Math.min(token.start, this.text.length),
    );
  }
  private get next(): Token {
    return this.tokens[this.at] as Token;
  }
  private take(): Token {
    return this.tokens[this.at++] as Token;
  }
  private isOp(...ops: string[]): boolean {
    return this.next.kind === "op" && ops.includes(this.next.text);
  }
  private isWord(...words: string[]): boolean {
    return this.next.kind === "word" && words.includes(this.next.text.toLowerCase());
  }
  private expect(op: string, wanted = `'${op}'`): void {
    if (op === ")" && this.next.kind === "end")
      throw new Misread(`${this.what} '${this.text}': a ) is missing at the end`, this.text.length);
    if (!this.isOp(op)) this.fail(wanted);
    this.take();
  }
  private down(): void {
    if (++this.depth > DEEPEST) this.fail(`at most ${DEEPEST} levels of nesting`);
  }

  whole(): Node {
    const tree = this.sum();
    if (this.next.kind !== "end") this.fail("+, -, * or the end");
    return tree;
  }

  /** A condition that is all of the text. */
  condition(): { sql: string; test: Test } {
    const found = this.filter();
    if (this.next.kind !== "end")
      this.fail("and, or or the end (values that are more than words and digits go in quotes)");
    return found;
  }

  private sum(): Node {
    this.down();
    const terms = [this.term()];
    while (this.isOp("+", "-")) {
      const minus = this.take().text === "-";
      const term = this.term();
      terms.push(minus ? { kind: "minus", node: term } : term);
    }
    this.depth--;
    return terms.length === 1 ? (terms[0] as Node) : { kind: "sum", terms };
  }
  private term(): Node {
    const minus = this.signs();
    const factors = [this.factor()];
    while (this.isOp("*")) {
      this.take();
      const sign = this.signs();
      const factor = this.factor();
      factors.push(sign ? { kind: "minus", node: factor } : factor);
    }
    const node: Node = factors.length === 1 ? (factors[0] as Node) : { kind: "product", factors };
    return minus ? { kind: "minus", node } : node;
  }
  private signs(): boolean {
    let minus = false;
    while (this.isOp("+", "-")) minus = (this.take().text === "-") !== minus;
    return minus;
  }
  private factor(): Node {
    const token = this.next;
    if (token.kind === "number") {
      this.take();
      if (this.next.kind === "word" || this.next.kind === "tick")
        this.fail(`'*' between ${token.text} and '${this.next.text}' (as in 2*smile)`);
      return { kind: "number", value: Number(token.text) };
    }
    if (token.kind === "item") return { kind: "item", id: Number(this.take().text) };
    if (token.kind === "word" || token.kind === "tick") {
      this.take();
      if (token.kind === "word" && this.isOp("(")) return this.call(token);
      if (!this.isOp("=", "==")) return { kind: "named", name: token.text, value: null, at: token.start };
      this.take();
      return { kind: "named", name: token.text, value: this.setting(), at: token.start };
    }
    if (token.kind === "string")
      throw new Misread("files have no names in a shared page: drop the file on it", token.start);
    if (!this.isOp("(")) this.fail("an item such as @12, a number or a name");
    this.take();
    const node = this.sum();
    this.expect(")");
    return node;
  }
  private call(name: Token): Node {
    const known = ["dim", "file", "mean", "mix", "random"];
    if (!known.includes(name.text)) {
      this.take();
      if (this.next.kind === "string") {
        const { text } = this.take();
        this.expect(")");
        return { kind: "typed", of: name.text, text, at: name.start };
      }
      throw new Misread(
        `there is no function '${name.text}': known are ${known.join(", ")}`,
        name.start,
        known,
      );
    }
    if (name.text === "file")
      throw new Misread("files have no names in a shared page: drop the file on it", name.start);
    this.expect("(");
    let node: Node;
    let wanted: string | undefined;
    if (name.text === "mean") {
      const { sql, test } = this.filter();
      node = { kind: "mean", where: sql, test };
      wanted = "and, or or ')' (values that are more than words and digits go in quotes)";
    } else if (name.text === "mix") {
      const parts = [this.sum()];
      while (this.isOp(",")) {
        this.take();
        parts.push(this.sum());
      }
      if (parts.length < 2) this.fail("',' and another item: mix takes two or more");
      node = { kind: "mix", parts };
    } else {
      if (this.next.kind !== "number" || !/^\d{1,18}$/.test(this.next.text))
        this.fail(
          `${name.text === "random" ? "a seed" : "the index of a dimension"}, a whole number such as 7,`,
        );
      const count = Number(this.take().text);
      node = name.text === "random" ? { kind: "random", seed: count } : { kind: "dim", index: count };
    }
    this.expect(")", wanted);
    return node;
  }
  private setting(): string {
    const minus = this.isOp("-") && Boolean(this.take());
    const token = this.next;
    const { kind, text } = this.value(false);
    if (minus && kind !== "number") this.fail("a number after '-'", token);
    return minus ? `-${text}` : text;
  }
  /** What follows a comparison; words and digits side by side are one text. */
  private value(stops: boolean): { kind: "string" | "number" | "word"; text: string } {
    const first = this.next;
    if (first.kind === "string") return { kind: "string", text: this.take().text };
    const run: Token[] = [];
    while (
      (this.next.kind === "word" || this.next.kind === "number") &&
      !(run.length && stops && this.isWord(...KEYWORDS))
    )
      run.push(this.take());
    const last = run.at(-1);
    if (!last) this.fail("a value (in quotes if it is more than words and digits)");
    const text = this.text.slice(first.start, last.end).split(/\s+/).join(" ");
    return { kind: run.length === 1 ? (first.kind as "number" | "word") : "word", text };
  }

  // filters: the text in SQL, and what it says of a row

  private filter(): { sql: string; test: Test } {
    this.down();
    const parts = [this.negation()];
    const words: string[] = [];
    while (this.isWord("and", "or")) {
      words.push(this.take().text.toLowerCase());
      parts.push(this.negation());
    }
    this.depth--;
    const sql = parts.map((part, i) => (i ? `${words[i - 1]} ${part.sql}` : part.sql)).join(" ");
    const anyOf: Test[][] = [[]];
    parts.forEach(({ test }, i) =>
      i && words[i - 1] === "or" ? anyOf.push([test]) : anyOf.at(-1)?.push(test),
    );
    return { sql, test: (of) => either(anyOf.map((all) => both(all.map((test) => test(of))))) };
  }
  private negation(): { sql: string; test: Test } {
    let nots = 0;
    for (; this.isWord("not"); nots++) this.take();
    let found: { sql: string; test: Test };
    if (this.isOp("(")) {
      this.take();
      const inner = this.filter();
      this.expect(")");
      found = { sql: `(${inner.sql})`, test: inner.test };
    } else found = this.test();
    const test: Test = nots % 2 ? (of) => not(found.test(of)) : found.test;
    return { sql: "not ".repeat(nots) + found.sql, test };
  }
  private test(): { sql: string; test: Test } {
    const name = this.column();
    const column = quoteName(name);
    const on =
      (f: (value: Value) => boolean | null): Test =>
      (of) =>
        f(of(name));
    if (this.next.kind === "op" && COMPARE.has(this.next.text)) {
      const op = this.take().text.replace("==", "=").replace("<>", "!=");
      const literal = this.literal();
      return {
        sql: `${column} ${op} ${literal.sql}`,
        test: on((value) => compared(value, op, literal.value)),
      };
    }
    if (this.isWord("is")) {
      this.take();
      const no = this.isWord("not") && Boolean(this.take());
      if (!this.isWord("null")) this.fail("null after is");
      this.take();
      return { sql: `${column} is ${no ? "not " : ""}null`, test: on((value) => (value === null) !== no) };
    }
    const no = this.isWord("not") && Boolean(this.take());
    const turned = (found: boolean | null): boolean | null => (no ? not(found) : found);
    const word = no ? "not " : "";
    if (this.isWord("in")) {
      this.take();
      this.expect("(");
      const values = [this.literal()];
      while (this.isOp(",")) {
        this.take();
        values.push(this.literal());
      }
      this.expect(")");
      return {
        sql: `${column} ${word}in (${values.map(({ sql }) => sql).join(", ")})`,
        test: on((value) => turned(either(values.map((one) => compared(value, "=", one.value))))),
      };
    }
    if (this.isWord("like")) {
      this.take();
      const pattern = this.literal();
      const rule = new RegExp(
        `^${String(pattern.value)
          .replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
          .replaceAll("%", "[^]*")
          .replaceAll("_", "[^]")}$`,
        "u",
      );
      return {
        sql: `${column} ${word}like ${pattern.sql}`,
        test: on((value) => turned(value === null ? null : rule.test(String(value)))),
      };
    }
    if (this.isWord("between")) {
      this.take();
      const low = this.literal();
      if (!this.isWord("and")) this.fail("and (as in between 0 and 1)");
      this.take();
      const high = this.literal();
      return {
        sql: `${column} ${word}between ${low.sql} and ${high.sql}`,
        test: on((value) =>
          turned(both([compared(value, ">=", low.value), compared(value, "<=", high.value)])),
        ),
      };
    }
    if (no) this.fail("in, like or between after not");
    return { sql: `${column} = true`, test: on((value) => compared(value, "=", true)) };
  }
  private column(): string {
    if (
      this.next.kind === "tick" ||
      this.next.kind === "string" ||
      (this.next.kind === "word" && !this.isWord(...KEYWORDS))
    )
      return this.take().text;
    return this.fail("the name of an attribute");
  }
  private literal(): { sql: string; value: Value } {
    if (this.next.kind === "tick") this.fail("a value: a shared page compares with values only");
    const minus = this.isOp("-") && Boolean(this.take());
    const token = this.next;
    if (!minus && this.isWord("true", "false", "null")) {
      const text = this.take().text.toLowerCase();
      return { sql: text, value: text === "null" ? null : text === "true" };
    }
    if (this.isWord(...KEYWORDS)) this.fail("a value (in quotes if it is a word of the language)");
    const { kind, text } = this.value(true);
    if (kind === "number")
      return { sql: `${minus ? "-" : ""}${text}`, value: (minus ? -1 : 1) * Number(text) };
    if (minus) this.fail("a number after '-'", token);
    return { sql: quoteText(text), value: text };
  }
}

const not = (a: boolean | null): boolean | null => (a === null ? null : !a);
const both = (all: (boolean | null)[]): boolean | null =>
  all.includes(false) ? false : all.includes(null) ? null : true;
const either = (all: (boolean | null)[]): boolean | null =>
  all.includes(true) ? true : all.includes(null) ? null : false;

function compared(a: Value, op: string, b: Value): boolean | null {
  if (a === null || b === null) return null;
  const [x, y] =
    typeof a === "string" || typeof b === "string" ? [String(a), String(b)] : [Number(a), Number(b)];
  if (op === "=") return x === y;
  if (op === "!=") return x !== y;
  return op === "<" ? x < y : op === "<=" ? x <= y : op === ">" ? x > y : x >= y;
}

export const parse = (text: string): Node => new Parser(text).whole();
/** What a filter, as `--where` takes it, says of a row. */
export const condition = (text: string): { sql: string; test: Test } =>
  new Parser(text, "filter").condition();
