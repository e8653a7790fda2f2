/**
 * Expressions as text, with the fewest brackets that the precedence table allows.
 *
 * In: an expression and a spelling. Out: text that parses to the same tree up to spans. With the source at hand the author's own brackets stay, and
 * the spelling "author" keeps names, numbers and signs as they were typed. A sum written `Σ_s` reaches over the products that follow it, so it gets
 * brackets wherever it is a factor; `sum_s(…)` and its kin bring their own.
 */
import type { Source } from "../../support/source.ts";
import { asciiFunction, asciiName } from "./names.ts";
import type { BinaryOperator, Expression, Identifier, Subscript } from "./node.ts";
import { OPERATORS, type OperatorEntry, PRECEDENCE } from "./operators.ts";

export interface PrintOptions {
  /** "unicode" is canonical; "author" needs the source and is "unicode" without it. */
  readonly spelling?: "unicode" | "ascii" | "author";
  /** The text that the tree was read from. */
  readonly source?: Source;
}

export const ENTRY = Object.fromEntries(OPERATORS.map((entry) => [entry.op, entry])) as Readonly<Record<BinaryOperator, OperatorEntry>>;
const SPACED = new Set(["+", "-", "∗", "@", ".*"]);
const GLYPHS: Readonly<Partial<Record<BinaryOperator, string>>> = {
  product: "·⋅∙•@",
  hadamard: "∘◦⊙",
  outer: "⊗",
  convolve: "∗",
  mul: "*",
  div: "/",
};
const ATOM = 7;
const ROOT = 5.5;
/** Looser than every product, tighter than sums: a term. */
export const TERM = 1.5;

/** The expression as text. */
export function printExpression(expression: Expression, options: PrintOptions = {}): string {
  return print(expression, PRECEDENCE.additive, options);
}

/** The expression as text, in brackets if its operator binds more loosely than `minimum`. */
export function print(e: Expression, minimum: number, o: PrintOptions): string {
  const text = bare(e, o);
  return precedenceOf(e, o) < minimum || hasAuthorBrackets(e, o) ? `(${text})` : text;
}

function authorText(o: PrintOptions): string | undefined {
  return o.spelling === "author" ? o.source?.text : undefined;
}

function isAuthorsFunction(e: Expression & { kind: "binary" }, o: PrintOptions): boolean {
  const text = authorText(o);
  return text !== undefined && e.span.start < e.left.span.start && /^\(?\s*(?:outer|conv)\s*\(/u.test(text.slice(e.span.start, e.left.span.start));
}

function isCallForm(e: Expression & { kind: "binary" }, o: PrintOptions): boolean {
  if (e.op !== "outer" && e.op !== "convolve") return false;
  return o.spelling === "ascii" || isAuthorsFunction(e, o);
}

function isSigmaForm(e: Expression & { kind: "reduction" }, o: PrintOptions): boolean {
  if (e.op !== "sum" || o.spelling === "ascii") return false;
  const text = authorText(o);
  return text === undefined || !/^\(?\s*sum/u.test(text.slice(e.span.start, e.span.start + 40));
}

function isRootForm(e: Expression & { kind: "call" }, o: PrintOptions): boolean {
  if (e.callee.name !== "sqrt" || e.args.length !== 1 || e.repeat || e.named.length > 0 || o.spelling === "ascii") return false;
  const text = authorText(o);
  return text === undefined || text[e.callee.span.start] === "√";
}

function precedenceOf(e: Expression, o: PrintOptions): number {
  switch (e.kind) {
    case "binary":
      return isCallForm(e, o) ? ATOM : ENTRY[e.op].precedence;
    case "unary":
      return e.op === "neg" ? PRECEDENCE.negate : PRECEDENCE.postfix;
    case "subscript":
      return PRECEDENCE.postfix;
    case "reduction":
      return isSigmaForm(e, o) ? TERM : ATOM;
    case "call":
      return isRootForm(e, o) ? ROOT : ATOM;
    case "number":
      return e.value < 0 ? PRECEDENCE.negate : ATOM;
    default:
      return ATOM;
  }
}

/** True if the span of a compound expression begins with a bracket of its own. */
export function hasAuthorBrackets(e: Expression, o: PrintOptions): boolean {
  if (o.source === undefined || o.source.text[e.span.start] !== "(" || e.kind === "name" || e.kind === "number") return false;
  if (e.kind === "binary") return e.left.span.start > e.span.start;
  if (e.kind === "subscript") return e.base.span.start > e.span.start;
  if (e.kind === "unary" && e.op === "transpose") return e.operand.span.start > e.span.start;
  return true;
}

function bare(e: Expression, o: PrintOptions): string {
  switch (e.kind) {
    case "number":
      return printNumber(e, o);
    case "name":
      return printName(e, o);
    case "subscript":
      return print(e.base, PRECEDENCE.postfix, o) + printSubscripts(e, o);
    case "call":
      return printCall(e, o);
    case "unary":
      return e.op === "neg" ? `-${printOperand(e.operand, PRECEDENCE.negate, o)}` : print(e.operand, PRECEDENCE.postfix, o) + transposeSign(e, o);
    case "binary":
      return printBinary(e, o);
    case "reduction":
      return printReduction(e, o);
    case "absolute":
      return `|${print(e.operand, PRECEDENCE.additive, o)}|`;
    case "concatenation":
      return `[${e.parts.map((part) => print(part, PRECEDENCE.additive, o)).join("; ")}]`;
  }
}

/** A right-hand operand: a sign there would meet another one, so it gets brackets. */
export function printOperand(e: Expression, minimum: number, o: PrintOptions): string {
  const text = print(e, minimum, o);
  return text.startsWith("-") ? `(${text})` : text;
}

/** A name or identifier in the wanted spelling. */
export function printName(e: Identifier | (Expression & { kind: "name" }), o: PrintOptions): string {
  if (o.spelling === "ascii") return asciiName(e.name);
  const text = authorText(o);
  return text === undefined || e.span.end === e.span.start ? e.name : text.slice(e.span.start, e.span.end);
}

function printNumber(e: Expression & { kind: "number" }, o: PrintOptions): string {
  const written = authorText(o)?.slice(e.span.start, e.span.end);
  return written !== undefined && /^[\d.]+(?:[eE][+-]?\d+)?$/.test(written) && Number(written) === e.value ? written : String(e.value);
}

function printSubscripts(e: Expression & { kind: "subscript" }, o: PrintOptions): string {
  const text = authorText(o);
  const only = e.subscripts.length === 1 ? e.subscripts[0] : undefined;
  if (text !== undefined && only?.kind === "time") {
    const suffix = text.slice(only.span.start, only.span.end);
    if (/^(?:_t|_\{t\}|[ₜ][₀-₉₊₋]*)$/u.test(suffix)) return suffix;
  }
  const braces = text !== undefined && e.subscripts.length > 0 && /^\s*_\{\s*$/u.test(text.slice(e.base.span.end, e.subscripts[0]!.span.start));
  const inner = e.subscripts.map((subscript) => printSubscript(subscript, o)).join(",");
  return braces && inner !== "t" ? `_{${inner}}` : `[${inner}]`;
}

function printSubscript(subscript: Subscript, o: PrintOptions): string {
  if (subscript.kind === "index") return print(subscript.value, PRECEDENCE.additive, o);
  return subscript.lag === 0 ? "t" : subscript.lag > 0 ? `t-${subscript.lag}` : `t+${-subscript.lag}`;
}

function printCall(e: Expression & { kind: "call" }, o: PrintOptions): string {
  if (isRootForm(e, o)) return `√${print(e.args[0]!, PRECEDENCE.postfix, o)}`;
  const text = authorText(o);
  if (
    text !== undefined &&
    !e.repeat &&
    e.callee.name === "norm" &&
    e.args.length === 1 &&
    /^[‖∥]$/u.test(text.slice(e.callee.span.start, e.callee.span.end))
  ) {
    return `‖${print(e.args[0]!, PRECEDENCE.additive, o)}‖`;
  }
  const callee = o.spelling === "ascii" ? asciiFunction(e.callee.name) : text === undefined ? e.callee.name : printName(e.callee, o);
  const parts = e.args.map((argument) => print(argument, PRECEDENCE.additive, o));
  for (const { name, value } of e.named) parts.push(`${printName(name, o)} = ${print(value, PRECEDENCE.additive, o)}`);
  return `${e.repeat ? `repeat ${print(e.repeat, ATOM, o)} ` : ""}${callee}(${parts.join(", ")})`;
}

function transposeSign(e: Expression & { kind: "unary" }, o: PrintOptions): string {
  if (o.spelling === "ascii") return "'";
  const sign = authorText(o)
    ?.slice(e.operand.span.end, e.operand.span.end + 20)
    .replace(/^[\s)]+/u, "");
  return sign !== undefined && /^['’]/u.test(sign) ? "'" : "ᵀ";
}

function printBinary(e: Expression & { kind: "binary" }, o: PrintOptions): string {
  const entry = ENTRY[e.op];
  if (isCallForm(e, o)) return `${entry.ascii}(${print(e.left, PRECEDENCE.additive, o)}, ${print(e.right, PRECEDENCE.additive, o)})`;
  const isLeft = entry.associativity === "left";
  const left = print(e.left, entry.precedence + (isLeft ? 0 : 1), o);
  const right = printOperand(e.right, entry.precedence + (isLeft ? 0.5 : 0), o);
  // An exponent T without brackets is a sign of transposition.
  return left + printSign(e, entry, o) + (e.op === "power" && /^T(?:ᵀ|(?![\p{L}\p{M}\d_([′]))/u.test(right) ? `(${right})` : right);
}

function printSign(e: Expression & { kind: "binary" }, entry: OperatorEntry, o: PrintOptions): string {
  const text = authorText(o);
  let sign = o.spelling === "ascii" ? entry.ascii : entry.unicode;
  let isSpaced = SPACED.has(sign);
  if (text !== undefined && GLYPHS[e.op] !== undefined) {
    const between = text.slice(e.left.span.end, e.right.span.start).replace(/#[^\n\r]*/gu, "");
    const glyph = /[^\s()]+/u.exec(between)?.[0] ?? "";
    if (glyph === ".*" || (glyph !== "" && GLYPHS[e.op]!.includes(glyph))) sign = glyph;
    isSpaced = sign === ".*" ? !/\S\.\*/u.test(between) || /^\s/u.test(between) : /^\)*\s/u.test(between);
  }
  return isSpaced ? ` ${sign} ` : sign;
}

function printReduction(e: Expression & { kind: "reduction" }, o: PrintOptions): string {
  const typed = printName(e.index, o);
  const index = /^[^\u2080-\u209c\u1d62-\u1d6a]+$/u.test(typed) ? typed : e.index.name;
  if (!isSigmaForm(e, o)) return `${e.op}_${index}(${bare(e.body, o)})`;
  const body = print(e.body, TERM, o);
  return `Σ_${index} ${/^[-|‖]/u.test(body) ? `(${body})` : body}`;
}
