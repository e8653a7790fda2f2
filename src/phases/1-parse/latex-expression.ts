/**
 * LaTeX tokens of one equation → expression. Side by side means product.
 *
 * In: tokens without fonts, sizes and spaces. Out: syntax nodes with spans in the LaTeX. Conventions of papers are read as what they mean here:
 * `q^\top k` of two lower-case letters is `q·k` and `v k^\top` is `v⊗k`, because vectors have no orientation; a number or a lower-case Greek letter
 * before something is a factor `*`; `e^{…}` is exp. Whatever is a guess is noted.
 */
import { blockName, canonicalName } from "../../ir/syntax/names.ts";
import { binary } from "../../ir/syntax/identity-product.ts";
import type { BinaryOperator, Expression, Identifier, Subscript } from "../../ir/syntax/node.ts";
import { PRECEDENCE } from "../../ir/syntax/operators.ts";
import { joinSpans, type Span } from "../../support/source.ts";
import { is, type LatexCursor, next, peek, plain, Unreadable } from "./latex-cursor.ts";
import { isCallAhead, isComponent, isTranspose, labelOf, lagOf, readGroup, subscripted, timeFirst } from "./latex-scripts.ts";
import { type Factor, isVector, joinBySign, joinFactors } from "./latex-product.ts";
import { functionOfWord, type LatexToken } from "./latex-tokens.ts";

const ACCENTS: Readonly<Record<string, string>> = {
  tilde: "tilde",
  widetilde: "tilde",
  hat: "hat",
  widehat: "hat",
  bar: "bar",
  overline: "bar",
  dot: "dot",
  ddot: "ddot",
  check: "check",
  vec: "vec",
};
const OPERATORS: Readonly<Record<string, { op: BinaryOperator; precedence: number }>> = {
  "+": { op: "add", precedence: PRECEDENCE.additive },
  "-": { op: "sub", precedence: PRECEDENCE.additive },
  "/": { op: "div", precedence: PRECEDENCE.multiplicative },
  "*": { op: "mul", precedence: PRECEDENCE.multiplicative },
  odot: { op: "hadamard", precedence: PRECEDENCE.multiplicative },
  circ: { op: "hadamard", precedence: PRECEDENCE.multiplicative },
  otimes: { op: "outer", precedence: PRECEDENCE.multiplicative },
  ast: { op: "convolve", precedence: PRECEDENCE.product },
  star: { op: "convolve", precedence: PRECEDENCE.product },
  cdot: { op: "product", precedence: PRECEDENCE.product },
  times: { op: "product", precedence: PRECEDENCE.product },
  "⊙": { op: "hadamard", precedence: PRECEDENCE.multiplicative },
  "∘": { op: "hadamard", precedence: PRECEDENCE.multiplicative },
  "·": { op: "product", precedence: PRECEDENCE.product },
};
const FUNCTION_COMMANDS = new Set(["tanh", "exp", "log", "ln", "max", "min", "sin", "cos"]);
const LESS = new Set(["le", "leq", "leqslant", "<", "≤", "lt"]);
const MAX_DEPTH = 160;
const MAX_FACTORS = 500;

const named = (name: string, span: Span): Identifier => ({ kind: "identifier", span: plain(span), name });
const call = (name: string, span: Span, args: readonly Expression[]): Expression => ({
  kind: "call",
  span: plain(span),
  callee: named(name, span),
  args,
  named: [],
});

/** Reads an expression; stops at what belongs to none. */
export function parseLatex(c: LatexCursor, minimum: number = PRECEDENCE.additive): Expression {
  if (++c.depth > MAX_DEPTH) throw new Unreadable(plain(peek(c)), "it is nested too deeply");
  let left: Expression;
  const sign = peek(c);
  if (is(sign, "-")) {
    next(c);
    const operand = parseFactor(c).expression;
    left = { kind: "unary", span: { start: sign.start, end: operand.span.end }, op: "neg", operand };
    if (startsFactor(c, peek(c))) left = chain(c, left);
  } else {
    if (is(sign, "+")) next(c);
    left = chain(c, undefined);
  }
  for (let count = 0; ; count++) {
    const token = peek(c);
    const known = (token.kind === "sign" || token.kind === "command") && Object.hasOwn(OPERATORS, token.text) ? OPERATORS[token.text]! : undefined;
    const entry = token.text === "*" && isCapital(left) ? OPERATORS.ast! : known;
    if (!entry || entry.precedence < minimum) break;
    if (count > MAX_FACTORS) throw new Unreadable(plain(token), "it is too long");
    next(c);
    if (entry.op === "convolve" && token.text === "*") c.note("W003", plain(token), "`*` after a capital letter is read as a convolution over time");
    if (token.text === "times") c.note("W003", plain(token), "`\\times` is read as the product `·`");
    const right = parseLatex(c, entry.precedence + 1);
    left = joinBySign(c, entry.op, left, right);
  }
  c.depth--;
  return left;
}

/** True for a name that begins with a capital letter: in `W_g * X` the star is a convolution, in `f * c` a product. */
function isCapital(e: Expression): boolean {
  const base = e.kind === "subscript" ? e.base : e;
  return base.kind === "name" && /^\p{Lu}/u.test(base.name);
}

/** Factors side by side. */
function chain(c: LatexCursor, first: Expression | undefined): Expression {
  const factors: Factor[] = first ? [{ expression: first, row: false }] : [parseFactor(c)];
  while (startsFactor(c, peek(c))) {
    if (factors.length > MAX_FACTORS) throw new Unreadable(plain(peek(c)), "it is too long");
    factors.push(parseFactor(c));
  }
  return joinFactors(c, factors);
}

function startsFactor(c: LatexCursor, token: LatexToken): boolean {
  if (token.kind === "letter" || token.kind === "number" || token.kind === "word") return true;
  if (token.kind === "sign") return "([{".includes(token.text) || (c.bars === 0 && (token.text === "|" || token.text === "‖"));
  if (token.kind !== "command" || Object.hasOwn(OPERATORS, token.text) || LESS.has(token.text)) return false;
  return !/^(?:in|to|leftarrow|rightarrow|leftrightarrow|ge|geq|equiv|approx|sim|triangleq|rVert|rvert|rangle|forall|rbrack|rbrace|text)$/.test(
    token.text,
  );
}

function parseFactor(c: LatexCursor): Factor {
  if (++c.depth > MAX_DEPTH) throw new Unreadable(plain(peek(c)), "it is nested too deeply");
  const factor = readFactor(c, next(c));
  c.depth--;
  return factor;
}

function readFactor(c: LatexCursor, token: LatexToken): Factor {
  switch (token.kind) {
    case "number":
      return scripted(c, token, { kind: "number", span: plain(token), value: Number(token.text) || 0 });
    case "letter":
      if (token.text === "e" && is(peek(c), "^") && is(peek(c, 1), "{")) {
        next(c);
        const exponent = parseBraced(c);
        return { expression: call("exp", { start: token.start, end: exponent.span.end }, [exponent]), row: false };
      }
      return isFunctionLetter(c, token.text) ? noted(c, token, token.text) : symbol(c, token, token.text);
    case "word": {
      if (/^linear$/i.test(token.text) && isCallAhead(c)) return { expression: linear(c, token), row: false };
      const known = functionOfWord(token.text);
      if (known) return applied(c, token, known);
      const name = token.text.replace(/[^\p{L}\p{N}]+/gu, "_");
      if (isRepeatAhead(c)) return repeated(c, token, blockName(name, canonicalName(name)));
      return is(peek(c), "(") && token.text.length > 1 ? applied(c, token, blockName(name, canonicalName(name))) : symbol(c, token, name);
    }
    case "sign":
      return bracketed(c, token);
    case "command":
      return command(c, token);
    default:
      throw new Unreadable(plain(token), "a value is missing");
  }
}

/** `\operatorname{lstm}^{(3)}(`: a block that is applied three times, as it is printed. */
function isRepeatAhead(c: LatexCursor): boolean {
  const signs = ["^", "{", "(", undefined, ")", "}", "("];
  return peek(c, 3).kind === "number" && signs.every((sign, k) => sign === undefined || is(peek(c, k), sign));
}

function repeated(c: LatexCursor, token: LatexToken, name: string): Factor {
  for (let k = 0; k < 3; k++) next(c);
  const count = next(c);
  for (let k = 0; k < 2; k++) next(c);
  const { expression, row } = applied(c, token, name);
  if (expression.kind !== "call") return { expression, row };
  return { expression: { ...expression, repeat: { kind: "number", span: plain(count), value: Number(count.text) || 0 } }, row };
}

/** `f(…)`, `g(…)`, `\phi(…)`: letters of functions, without scripts, with their argument. */
function isFunctionLetter(c: LatexCursor, letter: string): boolean {
  return /^[fgφψ]$/u.test(letter) && is(peek(c), "(");
}

function noted(c: LatexCursor, token: LatexToken, name: string): Factor {
  c.note("W003", plain(token), `\`${name}(\` is read as a function, not as a product`);
  return applied(c, token, name);
}

function bracketed(c: LatexCursor, opening: LatexToken): Factor {
  if (opening.text === "|" || opening.text === "‖") {
    c.bars++;
    const operand = parseLatex(c);
    c.bars--;
    const span = { start: opening.start, end: close(c, opening.text) };
    return scripted(c, opening, opening.text === "|" ? { kind: "absolute", span, operand } : call("norm", span, [operand]));
  }
  const closing = opening.text === "(" ? ")" : opening.text === "[" ? "]" : opening.text === "{" ? "}" : undefined;
  if (closing === undefined) throw new Unreadable(plain(opening), `\`${opening.text}\` stands where a value is expected`);
  const bars = c.bars;
  c.bars = 0;
  const parts = [parseLatex(c)];
  const separators = closing === "]" ? [",", ";"] : [];
  while (is(peek(c), ...separators)) {
    next(c);
    parts.push(parseLatex(c));
  }
  c.bars = bars;
  const span = { start: opening.start, end: close(c, closing) };
  const only = parts[0]!;
  if (opening.text === "{" && only.kind === "name")
    return only.name === "σ" && isCallAhead(c) ? applied(c, opening, "σ") : symbol(c, opening, only.name);
  return scripted(c, opening, parts.length > 1 ? { kind: "concatenation", span, parts } : only);
}

function close(c: LatexCursor, closing: string): number {
  const token = peek(c);
  if (!is(token, closing)) throw new Unreadable(plain(token), `\`${closing}\` is missing`);
  return next(c).end;
}

/** `{…}`, or one token, as an argument of a command. */
function parseBraced(c: LatexCursor): Expression {
  if (!is(peek(c), "{")) return parseFactorBare(c);
  next(c);
  const value = parseLatex(c);
  close(c, "}");
  return value;
}

function parseFactorBare(c: LatexCursor): Expression {
  const token = peek(c);
  if (token.kind === "number" && token.text.length > 1) {
    next(c);
    return { kind: "number", span: plain(token), value: Number(token.text) || 0 };
  }
  return parseFactor(c).expression;
}

function command(c: LatexCursor, token: LatexToken): Factor {
  const name = token.text;
  if (/^[dt]?frac$/.test(name)) {
    const above = parseBraced(c);
    return scripted(c, token, binary("div", above, parseBraced(c)));
  }
  if (name === "sqrt") {
    if (is(peek(c), "[")) throw new Unreadable(plain(token), "only square roots can be read");
    const operand = parseBraced(c);
    return scripted(c, token, call("sqrt", { start: token.start, end: operand.span.end }, [operand]));
  }
  if (name === "sum") return { expression: sum(c, token), row: false };
  if (Object.hasOwn(ACCENTS, name)) return accented(c, token);
  if (name === "lvert" || name === "lVert") {
    const closing = name === "lvert" ? "rvert" : "rVert";
    const operand = parseLatex(c);
    const span = { start: token.start, end: close(c, closing) };
    return scripted(c, token, name === "lvert" ? { kind: "absolute", span, operand } : call("norm", span, [operand]));
  }
  if (FUNCTION_COMMANDS.has(name)) return applied(c, token, name === "ln" ? "log" : name);
  if (name === "ell") return symbol(c, token, "l");
  const letter = canonicalName(name);
  if (letter === "σ") return isCallAhead(c) ? applied(c, token, "σ") : symbol(c, token, "σ");
  if (isFunctionLetter(c, letter)) return noted(c, token, letter);
  if (letter !== name || name === "xi") return symbol(c, token, letter === "xi" ? "ξ" : letter);
  if (/matrix|cases|array/.test(name)) throw new Unreadable(plain(token), `\`${name}\` cannot be read`);
  c.note("W002", plain(token), `\`\\${name}\` is not known and is taken for a name`);
  return symbol(c, token, name);
}

function accented(c: LatexCursor, token: LatexToken): Factor {
  const inner = is(peek(c), "{") ? readGroup(c) : [next(c)];
  if (inner.length === 0) throw new Unreadable(plain(token), "an accent without a letter");
  const base = labelOf(c, inner.slice(0, 1));
  const rest = inner.slice(1);
  const label = rest.length > 1 && is(rest[0]!, "_") ? labelOf(c, rest.slice(1)) : labelOf(c, rest);
  return symbol(c, token, `${base}_${ACCENTS[token.text]}${label === "" ? "" : `_${label}`}`);
}

/** A function with its argument: in brackets, or the factors that follow. `\mathrm{softmax}_s` consumes an index. */
function applied(c: LatexCursor, token: LatexToken, name: string): Factor {
  let index: Identifier | undefined;
  let power: Expression | undefined;
  while (is(peek(c), "_", "^")) {
    const script = next(c);
    const content = is(peek(c), "{") ? readGroup(c) : [next(c)];
    const label = labelOf(c, content.slice(0, 1));
    if (script.text === "_" && /^(?:softmax|max|min)$/.test(name) && c.indices.has(label)) index = named(canonicalName(label), content[0]!);
    else if (script.text === "^" && content.length === 1 && content[0]!.kind === "number")
      power = { kind: "number", span: plain(content[0]!), value: Number(content[0]!.text) };
    else c.note("W003", { start: script.start, end: content[content.length - 1]?.end ?? script.end }, `the script of \`${name}\` is left out`);
  }
  const opening = peek(c);
  let args: Expression[];
  if (is(opening, "(", "[", "{")) {
    next(c);
    const bars = c.bars;
    c.bars = 0;
    args = [parseLatex(c)];
    while (is(peek(c), ",")) {
      next(c);
      args.push(parseLatex(c));
    }
    c.bars = bars;
    if (opening.text === "[" && args.length > 1)
      args = [{ kind: "concatenation", span: joinSpans(args[0]!.span, args[args.length - 1]!.span), parts: args }];
    close(c, opening.text === "(" ? ")" : opening.text === "[" ? "]" : "}");
  } else args = [chain(c, undefined)];
  const isBracketed = is(opening, "(", "[", "{");
  const span = { start: token.start, end: c.tokens[c.at - 1]!.end };
  let expression: Expression;
  if (index && name !== "min") expression = { kind: "reduction", span, op: name as "softmax" | "max", index, body: args[0]! };
  else expression = call(name, span, args);
  if (power) expression = binary("power", expression, power);
  return isBracketed ? scripted(c, token, expression) : { expression, row: false };
}

/** `\mathrm{Linear}(x)` in the equation of z is `W_z x + b_z`; a second one there gets weights of its own. */
function linear(c: LatexCursor, token: LatexToken): Expression {
  while (is(peek(c), "_", "^")) {
    next(c);
    if (is(peek(c), "{")) readGroup(c);
    else next(c);
  }
  next(c);
  const operand = parseLatex(c);
  const span = { start: token.start, end: close(c, ")") };
  c.target.linears++;
  const label = `${c.target.name.replace(/_(?:tilde|hat|bar)|[\u0300-\u036f]/gu, "")}${c.target.linears > 1 ? c.target.linears : ""}`;
  const weight = (letter: string): Expression => ({ kind: "name", span, name: canonicalName(`${letter}_${label}`) });
  c.note("W003", span, `\`${token.text}\` is read as a layer of its own, with weights W_${label} and b_${label}`);
  return binary("add", binary("product", weight("W"), operand), weight("b"));
}

/** A name with its scripts. */
function symbol(c: LatexCursor, token: LatexToken, base: string): Factor {
  let name = base;
  const subscripts: Subscript[] = [];
  let power: Expression | undefined;
  let isTransposed = false;
  let isMarked = false; // has the number of a component
  for (;;) {
    const script = peek(c);
    if (is(script, "'")) {
      next(c);
      name += "_prime";
      continue;
    }
    if (!is(script, "_", "^")) break;
    next(c);
    const content = is(peek(c), "{") ? readGroup(c) : [next(c)];
    const span = { start: script.start, end: c.tokens[c.at - 1]!.end };
    const lag = lagOf(content);
    if (content.length === 0) continue;
    if (lag !== undefined) subscripts.push({ kind: "time", span, lag });
    else if (isComponent(c, content)) isMarked = true;
    else if (script.text === "_") name = subscripted(c, name, content, subscripts, span);
    else if (content.every((part) => is(part, "prime"))) name += "_prime".repeat(content.length);
    else if (isTranspose(content)) isTransposed = true;
    else if (content.length === 1 && content[0]!.kind === "number") {
      if (c.numbered.has(base)) name += content[0]!.text;
      else power = { kind: "number", span, value: Number(content[0]!.text) };
    } else if (is(content[0]!, "-") && content.length === 2 && content[1]!.kind === "number") {
      power = { kind: "unary", span, op: "neg", operand: { kind: "number", span, value: Number(content[1]!.text) } };
    } else {
      const label = labelOf(c, content);
      if (label !== "") name += `_${label}`;
      if (!is(content[0]!, "(", "*", "ast", "star")) c.note("W003", span, `the superscript \`${label}\` is read as part of the name`);
    }
  }
  const end = c.tokens[c.at - 1]!.end;
  const span = { start: token.start, end: Math.max(end, token.end) };
  let expression: Expression = { kind: "name", span, name: canonicalName(name) };
  if (/^\d+$/.test(name)) expression = { kind: "number", span, value: Number(name) };
  else if (subscripts.length > 0) expression = { kind: "subscript", span, base: expression, subscripts: timeFirst(subscripts) };
  if (isMarked) c.components.names.add(canonicalName(name));
  const row = isTransposed && isVector(expression);
  if (isTransposed && !row) expression = { kind: "unary", span, op: "transpose", operand: expression };
  if (power) expression = binary("power", expression, power);
  return { expression, row };
}

/** Powers and transposes of anything that is not a name. */
function scripted(c: LatexCursor, opening: LatexToken, base: Expression): Factor {
  let expression = base;
  while (is(peek(c), "_", "^", "'")) {
    const script = next(c);
    if (script.text === "'") throw new Unreadable(plain(script), "a prime without a name");
    const content = is(peek(c), "{") ? readGroup(c) : [next(c)];
    const span = { start: opening.start, end: c.tokens[c.at - 1]!.end };
    if (isComponent(c, content)) c.components.marked.add(expression);
    else if (script.text === "^" && isTranspose(content)) expression = { kind: "unary", span, op: "transpose", operand: expression };
    else if (script.text === "^" && content.length > 0) {
      const inner: LatexCursor = { ...c, tokens: [...content, { kind: "end", start: span.end, end: span.end, text: "" }], at: 0, bars: 0 };
      const exponent = parseLatex(inner);
      if (peek(inner).kind !== "end") throw new Unreadable(plain(peek(inner)), "the exponent cannot be read");
      expression = binary("power", expression, exponent);
    } else if (lagOf(content) === 0) continue;
    else c.note("W002", { start: script.start, end: span.end }, "the subscript of a bracket is left out");
  }
  return { expression, row: false };
}

/** `\sum_{s=1}^{t}`, `\sum_{s \le t}`, `\sum_s`: takes the products that follow. */
function sum(c: LatexCursor, token: LatexToken): Expression {
  let index: LatexToken | undefined;
  let from: string | undefined;
  let to: string | undefined;
  let strict = false;
  while (is(peek(c), "_", "^")) {
    const script = next(c);
    const content = is(peek(c), "{") ? readGroup(c) : [next(c)];
    if (script.text === "^") to = textOf(content);
    else {
      index = content[0];
      const relation = content[1];
      if (relation && is(relation, "=")) from = textOf(content.slice(2));
      else if (relation && LESS.has(relation.text)) {
        to = textOf(content.slice(2));
        strict = relation.text === "<" || relation.text === "lt";
      } else if (relation)
        c.note(
          "W002",
          { start: relation.start, end: content[content.length - 1]!.end },
          "the range of the sum cannot be read; declare it with `where`",
        );
    }
  }
  if (index?.kind !== "letter") throw new Unreadable(plain(token), "the sum does not say over which letter it runs");
  const name = canonicalName(index.text);
  const known = c.ranges.get(name);
  if (!known || known.to === undefined)
    c.ranges.set(name, { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }), strict, span: plain(token) });
  const body = parseLatex(c, PRECEDENCE.multiplicative);
  return { kind: "reduction", span: { start: token.start, end: body.span.end }, op: "sum", index: named(name, index), body };
}

function textOf(tokens: readonly LatexToken[]): string {
  return tokens.map((token) => (token.kind === "command" ? canonicalName(token.text) : token.text)).join("");
}
