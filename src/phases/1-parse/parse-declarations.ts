/**
 * `where` lines: declarations separated by commas.
 *
 * In: a cursor past the word `where`. Out: the declarations that could be read; each that could not is reported once and skipped up to the next comma.
 * A list of names and a list of declarations share the comma, so a name that is followed by a relation (`~ ∈ : = ≤ <`) begins a declaration, and
 * one that is followed by a comma belongs to the list before it: `gate i, f, b ~ 1` are two gates and one declaration. A semicolon ends a declaration
 * whatever follows.
 */
import type { Declaration, Expression, Identifier, Indexed, Option } from "../../ir/syntax/node.ts";
import { PRECEDENCE } from "../../ir/syntax/operators.ts";
import { OPTIONS } from "../../ir/syntax/options.ts";
import type { Span } from "../../support/source.ts";
import { nearestWord } from "../../support/text.ts";
import type { Cursor } from "./cursor.ts";
import { accept, atEnd, fail, identifier, isSign, next, peek, previousEnd, quoted } from "./cursor.ts";
import { isBound, parseBound } from "./parse-bounds.ts";
import { parseExpression } from "./parse-expression.ts";
import { unexpected } from "./recover.ts";

const RELATIONS = ["~", "∈", ":", "=", "≤", "<", "≥", ">"];
const ORDER = ["≤", "<", "≥", ">"];

/** Reads all declarations up to the end of the line. */
export function parseDeclarations(c: Cursor): Declaration[] {
  const declarations: Declaration[] = [];
  if (atEnd(c)) fail(c, "E025", { start: peek(c).start - "where".length, end: peek(c).start }, "nothing follows `where`");
  while (!atEnd(c)) {
    if (isSign(peek(c), ",", ";")) {
      fail(c, "E017", peek(c), `a declaration is missing before this \`${peek(c).text}\``);
      next(c);
      continue;
    }
    const before = c.at;
    const declaration = parseDeclaration(c);
    if (declaration) declarations.push(declaration);
    if (atEnd(c)) break;
    if (!isSign(peek(c), ",", ";")) {
      if (declaration || c.at > before) unexpected(c);
      skipDeclaration(c);
    }
    const separator = peek(c);
    if (isSign(separator, ",", ";")) {
      next(c);
      if (atEnd(c)) fail(c, "E017", separator, "nothing follows the last comma", { edit: { span: separator, text: "", label: "without the comma" } });
    }
  }
  return declarations;
}

/** True if the line, which lacks its `where`, reads as declarations: `b ~ 1`, `W ∈ ℝ^D`, `W : kernel 3`, `gate i, f`. */
export function looksDeclared(c: Cursor): boolean {
  let i = 0;
  const first = peek(c);
  if (first.kind !== "name") return false;
  if (first.text === "gate" && peek(c, 1).kind === "name") return true;
  for (; peek(c, i).kind !== "end"; i++) {
    const token = peek(c, i);
    if (isSign(token, "~", "∈", ":")) return i > 0;
    if (token.kind !== "name" && token.kind !== "time" && !isSign(token, ",", "[", "]")) return false;
  }
  return false;
}

function skipDeclaration(c: Cursor): void {
  let depth = 0;
  while (!atEnd(c)) {
    const token = peek(c);
    if (depth <= 0 && isSign(token, ",", ";")) return;
    if (isSign(token, "(", "[", "{", "_{")) depth++;
    else if (isSign(token, ")", "]", "}")) depth--;
    next(c);
  }
}

function parseDeclaration(c: Cursor): Declaration | undefined {
  const start = peek(c).start;
  c.operators = 0;
  if (peek(c).kind === "name" && peek(c).text === "gate" && peek(c, 1).kind === "name" && peek(c, 1).text !== "in") return parseGates(c);
  if (peek(c).kind === "name" && isSign(peek(c, 1), "[") && closesBefore(c, "=")) return parseInitial(c, start);
  if (isBound(c)) return parseBound(c, start);
  if (peek(c).kind !== "name") {
    fail(c, "E025", peek(c), `\`${quoted(c, peek(c))}\` begins no declaration`);
    skipDeclaration(c);
    return undefined;
  }
  const names = parseNames(c);
  if (!names) return undefined;
  const relation = peek(c);
  const span = (): Span => ({ start, end: previousEnd(c) });
  if (isSign(relation, "~")) {
    next(c);
    const value = parseExpression(c);
    return { kind: "distribution", span: span(), names: plainNames(c, names), value };
  }
  if (isSign(relation, "∈") || (relation.kind === "name" && relation.text === "in")) {
    next(c);
    return parseMembership(c, start, names);
  }
  if (isSign(relation, ":")) {
    next(c);
    const options = parseOptions(c);
    return { kind: "option", span: span(), names: plainNames(c, names), options };
  }
  if (isSign(relation, "=") && names.length === 1) return parseNamedInitial(c, start, names[0]!);
  const all = { start, end: previousEnd(c) };
  const details = names.length > 1 ? "say nothing" : "says nothing";
  fail(c, "E025", all, `\`${quoted(c, all)}\` ${details}: a declaration needs \`~\`, \`∈\`, \`:\`, \`=\`, \`≤\` or \`<\``);
  skipDeclaration(c);
  return undefined;
}

/** True if the brackets that open at the next token close just before the sign. */
function closesBefore(c: Cursor, sign: string): boolean {
  for (let i = 2; i < 12; i++) {
    const token = peek(c, i);
    if (token.kind === "end") return false;
    if (isSign(token, "]")) return isSign(peek(c, i + 1), sign);
  }
  return false;
}

/** Names before a relation, `q[n], k[n]`; a time suffix says nothing here. */
function parseNames(c: Cursor): Indexed[] | undefined {
  const names: Indexed[] = [];
  for (;;) {
    if (peek(c).kind !== "name") {
      fail(c, "E025", peek(c), atEnd(c) ? "a name is missing at the end of the list" : `\`${quoted(c, peek(c))}\` is no name`);
      skipDeclaration(c);
      return undefined;
    }
    const name = identifier(c);
    names.push({ name, indices: parseIndices(c) });
    if (!isSign(peek(c), ",") || peek(c, 1).kind !== "name") return names;
    next(c);
  }
}

/** `[n, s]` after a name that is declared or defined; t itself is left out. */
export function parseIndices(c: Cursor): Identifier[] {
  const indices: Identifier[] = [];
  if (peek(c).kind === "time") next(c);
  const opening = peek(c);
  if (!isSign(opening, "[", "_{")) return indices;
  next(c);
  const close = opening.text === "[" ? "]" : "}";
  while (!isSign(peek(c), close) && !atEnd(c)) {
    const token = peek(c);
    if (token.kind === "name") {
      const index = identifier(c);
      if (index.name !== "t") {
        if (indices.some((other) => other.name === index.name))
          fail(c, "E043", index.span, `\`${quoted(c, index.span)}\` stands twice in the brackets`);
        indices.push(index);
      }
    } else {
      fail(c, "E010", token, `\`${quoted(c, token)}\` is not the name of an index`);
      while (!isSign(peek(c), close) && !atEnd(c)) next(c);
      break;
    }
    if (!accept(c, ",")) break;
  }
  if (!isSign(peek(c), close) && !atEnd(c)) {
    unexpected(c);
    while (!isSign(peek(c), close) && !atEnd(c)) next(c);
  }
  accept(c, close);
  return indices;
}

function plainNames(c: Cursor, names: readonly Indexed[]): Identifier[] {
  for (const { name, indices } of names) {
    if (indices.length > 0) {
      const span = { start: name.span.start, end: Math.max(name.span.end, indices[indices.length - 1]!.span.end) };
      fail(c, "E025", span, `\`${quoted(c, name.span)}\` is declared for all its indices at once`, { label: "without the indices" });
    }
  }
  return names.map(({ name }) => name);
}

function parseGates(c: Cursor): Declaration {
  const start = next(c).start;
  const names = [identifier(c)];
  if (peek(c).kind === "time") next(c);
  while (isSign(peek(c), ",") && peek(c, 1).kind === "name" && !beginsDeclaration(c, 1)) {
    next(c);
    names.push(identifier(c));
    if (peek(c).kind === "time") next(c);
  }
  return { kind: "gate", span: { start, end: previousEnd(c) }, names };
}

/** True if the name at the token `ahead` is followed by a relation, or is the word of a declaration. */
function beginsDeclaration(c: Cursor, ahead: number): boolean {
  const name = peek(c, ahead);
  const following = peek(c, ahead + 1);
  if (isSign(following, ...RELATIONS) || isSign(following, "[", "-", "+")) return true;
  if (following.kind === "name" && following.text === "in") return true;
  return name.text === "gate" && following.kind === "name";
}

function parseOptions(c: Cursor): Option[] {
  const options: Option[] = [];
  for (;;) {
    const token = peek(c);
    if (token.kind !== "name") {
      fail(c, "E029", token.kind === "end" ? { start: previousEnd(c) - 1, end: previousEnd(c) } : token, "an option is expected after `:`");
      skipDeclaration(c);
      return options;
    }
    const entry = Object.hasOwn(OPTIONS, token.text) ? OPTIONS[token.text] : undefined;
    const name: Identifier = { kind: "identifier", span: { start: token.start, end: token.end }, name: token.text };
    next(c);
    if (!entry) {
      const near = nearestWord(token.text, Object.keys(OPTIONS));
      fail(c, "E029", name.span, `\`${quoted(c, name.span)}\` is no option`, near ? { edit: { span: name.span, text: near, label: near } } : {});
      skipDeclaration(c);
    } else {
      const hasValue = !atEnd(c) && !isSign(peek(c), ",", ";");
      const sizes = hasValue ? parseTaps(c) : [];
      const [value, ...more] = sizes;
      if (entry.argument === "required" && !value) fail(c, "E030", name.span, `\`${quoted(c, name.span)}\` needs a number: ${entry.meaning}`);
      if (entry.argument === "none" && value) {
        const span = { start: name.span.end, end: value.span.end };
        fail(c, "E030", value.span, `\`${quoted(c, name.span)}\` stands alone`, { edit: { span, text: "", label: quoted(c, name.span) } });
      }
      options.push(value ? { name, value, ...(more.length > 0 ? { more } : {}) } : { name });
    }
    if (!isSign(peek(c), ",") || peek(c, 1).kind !== "name") return options;
    if (!Object.hasOwn(OPTIONS, peek(c, 1).text) && opensDeclaration(c)) return options;
    if (Object.hasOwn(OPTIONS, peek(c, 1).text) && beginsDeclaration(c, 1)) return options;
    next(c);
  }
}

/** `3`, `3×5`, `(3, 5)` */
function parseTaps(c: Cursor): Expression[] {
  const opening = isSign(peek(c), "(") && [1, 2].some((ahead) => isSign(peek(c, ahead), ",")) ? next(c) : undefined;
  const sizes: Expression[] = [];
  c.inSizes = true;
  do sizes.push(parseExpression(c));
  while (sizes.length < 3 && accept(c, opening ? "," : "×"));
  c.inSizes = false;
  if (opening) accept(c, ")");
  return sizes;
}

/** After a comma: true if a list of names leads to a relation, so that a new declaration begins. */
function opensDeclaration(c: Cursor): boolean {
  if (peek(c, 1).text === "gate" && peek(c, 2).kind === "name") return true;
  for (let i = 1; i < 64; i++) {
    const token = peek(c, i);
    if (token.kind === "end") return false;
    if (isSign(token, ...RELATIONS) || (token.kind === "name" && token.text === "in")) return true;
    if (token.kind === "number" || isSign(token, ";")) return isSign(token, ";") ? false : beginsDeclaration(c, 1);
  }
  return false;
}

function parseMembership(c: Cursor, start: number, names: readonly Indexed[]): Declaration | undefined {
  const token = peek(c);
  if (token.kind === "name" && (token.text === "ℝ" || token.text === "R") && !isSign(peek(c, 1), "..", "-", "+", "*")) {
    next(c);
    const sizes = parseSizes(c);
    return { kind: "shape", span: { start, end: previousEnd(c) }, names, sizes };
  }
  const opening = accept(c, "{");
  const from = parseExpression(c);
  if (isSign(peek(c), ",") && isSign(peek(c, 1), "..")) next(c);
  if (!accept(c, "..")) {
    const span = { start: token.start, end: previousEnd(c) };
    fail(c, "E027", span, `\`${quoted(c, span)}\` is neither a range such as \`1..N\` nor a shape such as \`ℝ^D\``);
    skipDeclaration(c);
    return undefined;
  }
  if (opening) accept(c, ",");
  if (atEnd(c) || isSign(peek(c), ",", ";", "}")) {
    const span = { start: token.start, end: previousEnd(c) };
    fail(c, "E027", span, `the range \`${quoted(c, span)}\` has no upper end`);
    if (opening) accept(c, "}");
    return undefined;
  }
  const to = parseExpression(c);
  if (opening) accept(c, "}");
  return { kind: "range", span: { start, end: previousEnd(c) }, names: plainNames(c, names), from, to };
}

/** After ℝ: nothing, `^D`, `^{H×D}`, `^(H, D)`. */
function parseSizes(c: Cursor): Expression[] {
  const power = accept(c, "^");
  if (!power) return [];
  const opening = isSign(peek(c), "{", "(") ? next(c) : undefined;
  const close = opening?.text === "(" ? ")" : "}";
  const sizes: Expression[] = [];
  for (;;) {
    const token = peek(c);
    const isMissing = atEnd(c) || isSign(token, "×", ",", ";", close);
    if (isMissing) fail(c, "E026", sizes.length === 0 ? power : c.tokens[c.at - 1]!, "a size is missing after this sign");
    else {
      c.inSizes = true;
      sizes.push(parseExpression(c, opening ? PRECEDENCE.additive : PRECEDENCE.postfix));
      c.inSizes = false;
    }
    const between = peek(c);
    const separates = isSign(between, "×") || (opening !== undefined && isSign(between, ","));
    if (!separates) break;
    next(c);
  }
  if (opening) {
    if (!isSign(peek(c), close) && !atEnd(c)) {
      unexpected(c);
      while (!isSign(peek(c), close) && !atEnd(c)) next(c);
    }
    accept(c, close);
  }
  if (sizes.length > 4) {
    const span = { start: power.start, end: previousEnd(c) };
    fail(c, "E026", span, `a value has at most 4 sizes, not ${sizes.length}`);
  }
  return sizes;
}

/** `h[0] = 0`, `h[-1] = c0`, `h[T+1] = 0` */
function parseInitial(c: Cursor, start: number): Declaration | undefined {
  const name = identifier(c);
  next(c);
  const step = parseExpression(c);
  accept(c, "]");
  const lag = lagOfStep(step);
  const span = { start, end: previousEnd(c) };
  if (lag === undefined) {
    const cure = `${quoted(c, name.span)}[0]`;
    fail(c, "E031", span, `\`${quoted(c, span)}\` is not before the first step`, { edit: { span, text: cure, label: cure } });
  }
  accept(c, "=");
  const value = parseExpression(c);
  return lag === undefined ? undefined : { kind: "initial", span: { start, end: previousEnd(c) }, name, lag, value };
}

function lagOfStep(e: Expression): number | undefined {
  if (e.kind === "number") return e.value === 0 ? 1 : undefined;
  if (e.kind === "unary" && e.op === "neg" && e.operand.kind === "number" && Number.isSafeInteger(e.operand.value)) return e.operand.value + 1;
  const isAfterLast = e.kind === "binary" && e.op === "add" && e.left.kind === "name" && e.left.name === "T" && e.right.kind === "number";
  return isAfterLast && Number.isSafeInteger(e.right.value) && e.right.value > 0 ? -e.right.value : undefined;
}

/** `h_0 = 0`, `h₀ = 0`: the papers' spelling of `h[0] = 0`. Any other equation is no declaration. */
function parseNamedInitial(c: Cursor, start: number, target: Indexed): Declaration | undefined {
  const { name } = target;
  const zero = /^(.+?)_?0$/u.exec(name.name);
  const isLowered = zero !== null && (name.name.endsWith("_0") || /_0$|₀$/u.test(c.context.text.slice(name.span.start, name.span.end)));
  next(c);
  const value = parseExpression(c);
  const span = { start, end: previousEnd(c) };
  if (isLowered && target.indices.length === 0) {
    return { kind: "initial", span, name: { ...name, name: zero[1]! }, lag: 1, value };
  }
  fail(c, "E025", span, `\`${quoted(c, span)}\` is an equation: put it on a line of its own, and write numbers of sizes where they are used`);
  return undefined;
}

/** Names that the tokens of a text declare as indices: before `∈` or beside `≤` or `<`. */
export function declaredIndices(tokens: Cursor["tokens"]): Set<string> {
  const indices = new Set<string>();
  tokens.forEach((token, i) => {
    if (isSign(token, "∈") || (token.kind === "name" && token.text === "in")) {
      for (let k = i - 1; k >= 0 && (tokens[k]!.kind === "name" || isSign(tokens[k]!, ",")); k--) {
        if (tokens[k]!.text === "where" || i - k > 64) break;
        if (tokens[k]!.kind === "name") indices.add(tokens[k]!.text);
      }
    } else if (isSign(token, ...ORDER)) {
      const before = tokens[i - 1];
      const after = tokens[i + 1];
      if (before?.kind === "name") indices.add(before.text);
      if (after?.kind === "name") indices.add(after.text);
    }
  });
  indices.delete("t");
  return indices;
}
