/**
 * The canonical printer and the formatter: syntax tree → text.
 *
 * In: a file or a part of one. Out: text in one of two spellings, or in the author's own; parsing it gives the same tree up to spans, and printing that
 * again gives the same text. Comments and the order of lines are kept; nothing is aligned. With the source at hand single empty lines between the lines
 * of a block stay too. Long equations are broken before their sums' signs, long `where` lines after their commas.
 */
import type { Span } from "../../support/source.ts";
import { textWidth } from "../../support/text.ts";
import type { Block, Bound, Declaration, Definition, Expression, File, Identifier, Indexed, Item, Where } from "./node.ts";
import { PRECEDENCE } from "./operators.ts";
import { ENTRY, hasAuthorBrackets, print, printName, printOperand, TERM, type PrintOptions } from "./print-expression.ts";

export { printExpression, type PrintOptions } from "./print-expression.ts";

const LINE_WIDTH = 100;
const INDENT = "  ";

/** The whole file as text, ending with a line end (empty if it has no blocks). */
export function printFile(file: File, options: PrintOptions = {}): string {
  return file.blocks.map((block) => printBlock(block, options)).join("\n");
}

/** A block as text: its documentation, header and lines. */
export function printBlock(block: Block, options: PrintOptions = {}): string {
  const lines = block.documentation.map(printComment);
  if (block.header) {
    const { name, inputs, outputs } = block.header;
    const arrow = isAsciiAt(block.header.span, /→/u, options) ? "->" : "→";
    lines.push(`${printName(name, options)}(${printNames(inputs, options)}) ${arrow} ${printNames(outputs, options)}`);
  }
  const indent = block.header ? INDENT : "";
  let previousEnd = -1;
  for (const item of block.items) {
    if (previousEnd >= 0 && isBlankBetween(options, previousEnd, item.span.start)) lines.push("");
    previousEnd = item.span.end;
    lines.push(printItem(item, options, indent));
  }
  return `${lines.join("\n")}\n`;
}

/** A definition on one line, `i = σ(Wxi·x + bi)`, without its comment. */
export function printDefinition(definition: Definition, options: PrintOptions = {}): string {
  return `${printTarget(definition, options)} = ${print(definition.value, PRECEDENCE.additive, options)}`;
}

/** A declaration of a `where` line. */
export function printDeclaration(declaration: Declaration, options: PrintOptions = {}): string {
  const o = options;
  const isAscii = isAsciiAt(declaration.span, /[∈∊ℝ≤⩽≦≥⩾≧×]/u, o);
  const element = isAscii ? "in" : "∈";
  switch (declaration.kind) {
    case "distribution":
      return `${printNames(declaration.names, o)} ~ ${print(declaration.value, PRECEDENCE.additive, o)}`;
    case "initial":
      return `${printName(declaration.name, o)}[${printStep(declaration.lag)}] = ${print(declaration.value, PRECEDENCE.additive, o)}`;
    case "shape":
      return `${declaration.names.map((name) => printIndexed(name, o)).join(", ")} ${element} ${printShape(declaration.sizes, isAscii, o)}`;
    case "range":
      return `${printNames(declaration.names, o)} ${element} ${print(declaration.from, 1, o)}..${print(declaration.to, 1, o)}`;
    case "bound":
      return printBounds(declaration.name, declaration.lower, declaration.upper, isAscii, o);
    case "option": {
      const options = declaration.options.map(({ name, value, more }) => (value ? `${name.name} ${printTaps(value, more, isAscii, o)}` : name.name));
      return `${printNames(declaration.names, o)} : ${options.join(", ")}`;
    }
    case "gate":
      return `gate ${printNames(declaration.names, o)}`;
  }
}

function printItem(item: Item, o: PrintOptions, indent: string): string {
  if (item.kind === "comment") return indent + printComment(item.text);
  const comment = item.comment === undefined ? "" : `${INDENT}${printComment(item.comment)}`;
  const lines = item.kind === "where" ? whereLines(item, o, indent) : definitionLines(item, o, indent);
  return lines.join("\n") + comment;
}

/** True if the signs of a place are to be spelled in ASCII: asked for, or typed so by the author. */
function isAsciiAt(span: Span, unicode: RegExp, o: PrintOptions): boolean {
  if (o.spelling === "author" && o.source !== undefined) return !unicode.test(o.source.text.slice(span.start, span.end));
  return o.spelling === "ascii";
}

function printComment(text: string): string {
  return text === "" ? "#" : `# ${text}`;
}

function printNames(names: readonly Identifier[], o: PrintOptions): string {
  return names.map((name) => printName(name, o)).join(", ");
}

function printIndexed({ name, indices }: Indexed, o: PrintOptions): string {
  return printName(name, o) + (indices.length > 0 ? `[${indices.map((index) => printName(index, o)).join(",")}]` : "");
}

function printTarget(definition: Definition, o: PrintOptions): string {
  const name = printIndexed({ name: definition.target, indices: definition.indices }, o);
  return definition.form === "log" ? `log ${name}` : name + authorsTime(definition, o);
}

/** `h_t = …` keeps its `_t` in the author's spelling; it says nothing. */
function authorsTime(definition: Definition, o: PrintOptions): string {
  if (o.spelling !== "author" || o.source === undefined || definition.indices.length > 0) return "";
  return /^(?:_t|_\{t\}|ₜ|\[t\])(?=\s*=)/u.exec(o.source.text.slice(definition.target.span.end, definition.target.span.end + 40))?.[0] ?? "";
}

function definitionLines(definition: Definition, o: PrintOptions, indent: string): string[] {
  const whole = indent + printDefinition(definition, o);
  const { value } = definition;
  if (textWidth(whole) <= LINE_WIDTH || value.kind !== "binary" || ENTRY[value.op].precedence !== PRECEDENCE.additive) return [whole];
  const terms: string[] = [];
  let e: Expression = value;
  while (e.kind === "binary" && ENTRY[e.op].precedence === PRECEDENCE.additive && !hasAuthorBrackets(e, o)) {
    terms.unshift(`${ENTRY[e.op].unicode} ${printOperand(e.right, TERM, o)}`);
    e = e.left;
  }
  const lines = [`${indent}${printTarget(definition, o)} = ${print(e, PRECEDENCE.additive, o)}`];
  for (const term of terms) appendPiece(lines, ` ${term}`, `${indent}${INDENT}${INDENT}`);
  return lines;
}

function whereLines(where: Where, o: PrintOptions, indent: string): string[] {
  const lines = [`${indent}where`];
  where.declarations.forEach((declaration, i) => {
    const following = where.declarations[i + 1];
    const end = following === undefined ? "" : wouldJoin(declaration, following) ? ";" : ",";
    const piece = ` ${printDeclaration(declaration, o)}${end}`;
    if (i === 0) lines[0] += piece;
    else appendPiece(lines, piece, `${indent}${INDENT}${INDENT}`);
  });
  return lines;
}

/** Adds a piece to the last line, or begins a new one if it would become too long. */
function appendPiece(lines: string[], piece: string, indent: string): void {
  const last = lines[lines.length - 1]!;
  if (textWidth(last) + textWidth(piece) <= LINE_WIDTH) lines[lines.length - 1] = last + piece;
  else lines.push(indent + piece.trimStart());
}

/** True if the names of the second declaration would be read as gates or options of the first one. */
function wouldJoin(first: Declaration, second: Declaration): boolean {
  if (first.kind !== "gate" && first.kind !== "option") return false;
  return "names" in second && second.names.length > 1 && second.kind !== "gate";
}

/** `3`, `3×5`; in ASCII `(3, 5)`. */
function printTaps(first: Expression, more: readonly Expression[] | undefined, isAscii: boolean, o: PrintOptions): string {
  if (!more) return print(first, PRECEDENCE.additive, o);
  const sizes = [first, ...more].map((size) => print(size, PRECEDENCE.multiplicative, o));
  return isAscii ? `(${sizes.join(", ")})` : sizes.join("×");
}

function printStep(lag: number): string {
  return lag > 0 ? String(1 - lag) : `T+${-lag}`;
}

function printShape(sizes: readonly Expression[], isAscii: boolean, o: PrintOptions): string {
  const real = isAscii ? "R" : "ℝ";
  if (sizes.length === 0) return real;
  const only = sizes.length === 1 ? sizes[0]! : undefined;
  if (only && (only.kind === "name" || only.kind === "number")) return `${real}^${print(only, PRECEDENCE.postfix, o)}`;
  const least = sizes.length > 1 ? PRECEDENCE.multiplicative : PRECEDENCE.additive;
  return `${real}^{${sizes.map((size) => print(size, least, o)).join(isAscii ? ", " : "×")}}`;
}

function printBounds(name: Identifier, lower: Bound | undefined, upper: Bound | undefined, isAscii: boolean, o: PrintOptions): string {
  const less = (strict: boolean): string => (strict ? "<" : isAscii ? "<=" : "≤");
  const before = lower
    ? `${lower.of ? printName(lower.of, o) : printPlace(lower.value, o)} ${less(lower.strict)} `
    : upper
      ? ""
      : `1 ${less(false)} `;
  return before + printName(name, o) + (upper ? ` ${less(upper.strict)} ${printPlace(upper.value, o)}` : "");
}

/** An offset from t: 0 → `t`, `-W` → `t-W`, `-W + 1` → `t-W+1`. */
function printPlace(offset: Expression, o: PrintOptions): string {
  if (offset.kind === "number" && offset.value === 0) return "t";
  if (offset.kind === "unary" && offset.op === "neg") return `t-${printOperand(offset.operand, PRECEDENCE.multiplicative, o)}`;
  if (offset.kind === "binary" && (offset.op === "add" || offset.op === "sub")) {
    return printPlace(offset.left, o) + ENTRY[offset.op].unicode + printOperand(offset.right, PRECEDENCE.multiplicative, o);
  }
  return `t+${printOperand(offset, PRECEDENCE.multiplicative, o)}`;
}

function isBlankBetween(o: PrintOptions, from: number, to: number): boolean {
  if (o.source === undefined || to <= from) return false;
  return /\n[ \t]*\r?\n/u.test(o.source.text.slice(from, to).replace(/#[^\n\r]*/gu, ""));
}
