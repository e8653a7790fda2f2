/**
 * Blocks as LaTeX, in the notation of papers.
 *
 * In: a block. Out: an `aligned` environment: values carry their time (`h_{t-1}`), weights their letters as subscripts (`Wxi` → `W_{xi}`), a product of
 * linear algebra is written side by side. Precedence comes from the one table. Nothing is inferred: a value is a name that the block defines, takes as
 * input, or reads at a time.
 */
import { asciiName, canonicalName } from "./names.ts";
import type { Block, Bound, Declaration, Definition, Expression, File, Identifier, Item } from "./node.ts";
import { OPERATORS, PRECEDENCE } from "./operators.ts";

const ENTRY = new Map(OPERATORS.map((entry) => [entry.op, entry]));
const COMMANDS = new Set(["tanh", "exp", "log", "max", "min", "sin", "cos"]);
const ACCENTS: Readonly<Record<string, string>> = {
  "\u0303": "tilde",
  "\u0302": "hat",
  "\u0304": "bar",
  "\u0307": "dot",
  "\u0308": "ddot",
  "\u030c": "check",
  "\u20d7": "vec",
};
const ATOM = 7;
const TERM = 1.5;

/** Names that carry the time. */
type Timed = ReadonlySet<string>;

/** Every block of a file as LaTeX, an empty line between two. */
export function printLatex(file: File): string {
  return file.blocks.map((block) => latexOf(block)).join("\n");
}

/** A block as LaTeX: its documentation as comments, then its equations, aligned. */
export function latexOf(block: Block): string {
  const timed = timedNames(block);
  const lines = block.items.map((item) => latexItem(item, timed));
  const last = block.items.findLastIndex((item) => item.kind !== "comment");
  const body = lines.map((line, i) => `  ${line(block.items[i]!.kind !== "comment" && i < last ? " \\\\" : "")}`);
  return [...block.documentation.map((text) => `% ${text}`.trimEnd()), "\\begin{aligned}", ...body, "\\end{aligned}", ""].join("\n");
}

/** A row of the environment, to be given its line end; the comment follows that. */
type Row = (end: string) => string;

function latexItem(item: Item, timed: Timed): Row {
  const comment = item.kind === "comment" ? item.text : item.comment;
  const row = item.kind === "comment" ? "" : item.kind === "where" ? latexWhere(item.declarations, timed) : latexDefinition(item, timed);
  return (end) => `${row}${end}${comment === undefined ? "" : `${row === "" ? "" : " "}% ${comment}`}`.trimEnd();
}

function latexDefinition(definition: Definition, timed: Timed): string {
  const indices = definition.indices.map((index) => latexIndex(index));
  const left = latexName(definition.target.name, ["t", ...indices]);
  return `${definition.form === "log" ? "\\log " : ""}${left} &= ${print(definition.value, 1, timed)}`;
}

/** An expression as LaTeX; `timed` holds the names that carry the time t when nothing else is said. */
export function latexExpression(expression: Expression, timed: ReadonlySet<string> = new Set()): string {
  return print(expression, PRECEDENCE.additive, timed);
}

function timedNames(block: Block): Timed {
  const names = new Set<string>(block.header?.inputs.map(({ name }) => name));
  const called = new Set<string>();
  const visit = (e: Expression): void => {
    if (e.kind === "subscript") {
      if (e.base.kind === "name" && e.subscripts.some((subscript) => subscript.kind === "time")) names.add(e.base.name);
      visit(e.base);
      for (const subscript of e.subscripts) if (subscript.kind === "index") visit(subscript.value);
    } else if (e.kind === "call") {
      called.add(canonicalName(e.callee.name));
      [...e.args, ...e.named.map(({ value }) => value)].forEach(visit);
    } else if (e.kind === "unary" || e.kind === "absolute") visit(e.operand);
    else if (e.kind === "binary") [e.left, e.right].forEach(visit);
    else if (e.kind === "reduction") visit(e.body);
    else if (e.kind === "concatenation") e.parts.forEach(visit);
  };
  for (const item of block.items) {
    if (item.kind !== "definition") continue;
    names.add(item.target.name);
    visit(item.value);
  }
  for (const input of block.header?.inputs ?? []) if (called.has(input.name)) names.delete(input.name); // stands for a block
  return names;
}

/** A name with its letters and what else stands below: `Wxi` → `W_{xi}`, `h̃` at t → `\tilde{h}_t`, `logits` → `\mathrm{logits}_t`. */
function latexName(name: string, below: readonly string[] = []): string {
  const parts = /^(\p{L})(\p{M}*)(′*)(?:_?(.+))?$/u.exec(name.normalize("NFD"));
  if (!parts) return `\\mathrm{${asciiName(name).replace(/_/gu, "\\_")}}`;
  const [, letter, marks, primes, rest = ""] = parts;
  const isShort = rest === "" || /^\p{Lu}/u.test(letter!) || asciiName(letter!) !== letter || name.includes("_") || rest.length <= 2;
  const isWord = !isShort || rest === "t" || rest.length > 8;
  let base = isWord ? `\\mathrm{${asciiName(name).replace(/_/gu, "\\_")}}` : letterOf(letter!);
  if (!isWord) for (const mark of marks!) base = Object.hasOwn(ACCENTS, mark) ? `\\${ACCENTS[mark]}{${base}}` : base;
  const label = isWord
    ? ""
    : [...rest.normalize("NFC")]
        .map((part) => (part === "_" ? "," : letterOf(part)))
        .reduce((done, part) => done + (/[a-z]$/.test(done) && done.startsWith("\\") && /^[a-z]/.test(part) ? " " : "") + part, "");
  const subscripts = [...(label === "" ? [] : [label]), ...below];
  const text = subscripts.join(",");
  const tail = subscripts.length === 0 ? "" : /^[\p{L}\p{N}]$/u.test(text) ? `_${text}` : `_{${text}}`;
  return base + (isWord ? "" : "'".repeat(primes!.length)) + tail;
}

function letterOf(letter: string): string {
  const word = asciiName(letter);
  return word === letter || canonicalName(word) !== letter ? letter : `\\${word === "ksi" ? "xi" : word}`;
}

function latexIndex(index: Identifier): string {
  return latexName(index.name);
}

function precedenceOf(e: Expression): number {
  if (e.kind === "binary") return e.op === "div" ? ATOM : ENTRY.get(e.op)!.precedence;
  if (e.kind === "unary") return e.op === "neg" ? PRECEDENCE.negate : PRECEDENCE.postfix;
  if (e.kind === "reduction") return e.op === "sum" ? TERM : ATOM;
  return ATOM;
}

function group(text: string): string {
  return /\\(?:frac|sum|left)/u.test(text) ? `\\left(${text}\\right)` : `(${text})`;
}

function print(e: Expression, minimum: number, timed: Timed): string {
  const text = bare(e, timed);
  return precedenceOf(e) < minimum ? group(text) : text;
}

function bare(e: Expression, timed: Timed): string {
  switch (e.kind) {
    case "number":
      return latexNumber(e.value);
    case "name":
      return latexName(e.name, timed.has(e.name) ? ["t"] : []);
    case "subscript":
      return latexSubscript(e, timed);
    case "call":
      return latexCall(e, timed);
    case "unary": {
      if (e.op === "neg") return `-${signed(print(e.operand, PRECEDENCE.negate, timed))}`;
      const operand = print(e.operand, ATOM, timed);
      return /^[^\\{}()]*$/u.test(operand) || e.operand.kind === "name" ? `${operand}^\\top` : `{${operand}}^\\top`;
    }
    case "binary":
      return latexBinary(e, timed);
    case "reduction":
      if (e.op === "sum") return `\\sum_{${latexIndex(e.index)}} ${signed(print(e.body, TERM, timed))}`;
      return `\\operatorname{${e.op}}_{${latexIndex(e.index)}}${group(bare(e.body, timed))}`;
    case "absolute":
      return `\\left|${print(e.operand, 1, timed)}\\right|`;
    case "concatenation":
      return `\\left[${e.parts.map((part) => print(part, 1, timed)).join("; ")}\\right]`;
  }
}

function signed(text: string): string {
  return text.startsWith("-") ? group(text) : text;
}

function latexNumber(value: number): string {
  const [mantissa, exponent] = String(value).split("e");
  return exponent === undefined ? mantissa! : `${mantissa} \\cdot 10^{${Number(exponent)}}`;
}

function latexSubscript(e: Expression & { kind: "subscript" }, timed: Timed): string {
  const isTimed = e.base.kind === "name" && timed.has(e.base.name);
  const below = e.subscripts.map((subscript) =>
    subscript.kind === "index"
      ? bare(subscript.value, new Set())
      : subscript.lag === 0
        ? "t"
        : subscript.lag > 0
          ? `t-${subscript.lag}`
          : `t+${-subscript.lag}`,
  );
  if (isTimed && !e.subscripts.some((subscript) => subscript.kind === "time")) below.unshift("t");
  return e.base.kind === "name" ? latexName(e.base.name, below) : `${group(bare(e.base, timed))}_{${below.join(",")}}`;
}

/** A word without a time among several arguments: the name of a block that is passed, as far as can be told without knowing blocks. */
function isWord(e: Expression, timed: Timed): e is Expression & { kind: "name" } {
  return e.kind === "name" && !timed.has(e.name) && /^[a-z][a-z0-9_]{2,}$/.test(e.name);
}

const wordOf = (name: string): string => `\\mathrm{${spaced(name)}}`;
const spaced = (name: string): string => asciiName(name).replace(/_/gu, " ");

function latexCall(e: Expression & { kind: "call" }, timed: Timed): string {
  const { name } = e.callee;
  const parts = e.args.map((argument) => (e.args.length > 1 && isWord(argument, timed) ? wordOf(argument.name) : print(argument, 1, timed)));
  for (const { name: key, value } of e.named) parts.push(`${latexName(key.name)} = ${print(value, 1, timed)}`);
  if (name === "sqrt" && parts.length === 1 && !e.repeat) return `\\sqrt{${parts[0]}}`;
  if (name === "norm" && parts.length === 1 && !e.repeat) return `\\left\\lVert ${parts[0]}\\right\\rVert`;
  const callee = name === "σ" ? "\\sigma" : COMMANDS.has(name) ? `\\${name}` : `\\operatorname{${spaced(name)}}`;
  return `${callee}${e.repeat ? `^{(${bare(e.repeat, new Set())})}` : ""}${group(parts.join(", "))}`;
}

function latexBinary(e: Expression & { kind: "binary" }, timed: Timed): string {
  if (e.op === "div") return `\\frac{${print(e.left, 1, timed)}}{${print(e.right, 1, timed)}}`;
  const { precedence, latex } = ENTRY.get(e.op)!;
  if (e.op === "power") {
    const base = e.left.kind === "number" || (e.left.kind === "name" && !timed.has(e.left.name)) ? bare(e.left, timed) : group(bare(e.left, timed));
    return `${base}^{${print(e.right, 1, timed)}}`;
  }
  const left = apart(e, e.left) ? group(bare(e.left, timed)) : print(e.left, precedence, timed);
  const right = apart(e, e.right) ? group(bare(e.right, timed)) : signed(print(e.right, precedence + 0.5, timed));
  return `${left} ${latex} ${right}`;
}

/** True if readers do not share one idea of which of the two operators binds more tightly. */
function apart(outer: Expression & { kind: "binary" }, inner: Expression): boolean {
  if (inner.kind !== "binary" || ENTRY.get(outer.op)!.precedence === PRECEDENCE.additive || inner.op === "div" || inner.op === "power") return false;
  return inner.op !== outer.op && (inner.op !== "product" || outer.op === "outer" || outer.op === "convolve");
}

function latexWhere(declarations: readonly Declaration[], timed: Timed): string {
  return `&\\text{where } ${declarations.map((declaration) => latexDeclaration(declaration, timed)).join(",\\; ")}`;
}

function latexDeclaration(d: Declaration, timed: Timed): string {
  const names = (list: readonly Identifier[]): string => list.map(({ name }) => latexName(name)).join(", ");
  switch (d.kind) {
    case "distribution":
      return `${names(d.names)} \\sim ${print(d.value, 1, timed)}`;
    case "initial":
      return `${latexName(d.name.name, [d.lag > 0 ? String(1 - d.lag) : `T+${-d.lag}`])} = ${print(d.value, 1, timed)}`;
    case "shape": {
      const list = d.names.map(({ name, indices }) => latexName(name.name, indices.map(latexIndex))).join(", ");
      const sizes = d.sizes.map((size) => print(size, d.sizes.length > 1 ? 2 : 1, timed)).join(" \\times ");
      return `${list} \\in \\mathbb{R}${sizes === "" ? "" : `^{${sizes}}`}`;
    }
    case "range":
      return `${names(d.names)} \\in \\{${print(d.from, 1, timed)}, \\dots, ${print(d.to, 1, timed)}\\}`;
    case "bound": {
      const place = ({ value }: Bound): string => {
        const text = print(value, 1, timed);
        return text === "0" ? "t" : text.startsWith("-") ? `t ${text}` : `t + ${text}`;
      };
      const sign = ({ strict }: Bound): string => (strict ? "<" : "\\le");
      return `${d.lower ? `${place(d.lower)} ${sign(d.lower)} ` : ""}${latexName(d.name.name)}${d.upper ? ` ${sign(d.upper)} ${place(d.upper)}` : ""}`;
    }
    case "option":
      return `${names(d.names)}\\text{: ${d.options
        .map(({ name, value }) => (value ? `${name.name} $${print(value, 1, timed)}$` : name.name))
        .join(", ")
        .replace(/_/gu, "\\_")}}`;
    case "gate":
      return `\\text{gate } ${names(d.names)}`;
  }
}
