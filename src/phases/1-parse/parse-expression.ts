/**
 * Expressions by precedence climbing (Pratt 1973), with the one table of `ir/syntax/operators.ts`.
 *
 * In: a cursor on balanced tokens. Out: an expression, always; where a value is missing stands a name without letters, and a message was reported.
 * A span covers the brackets around a compound expression. Nothing is implied by two values side by side: they are read as the product that the
 * message proposes. Depth and number of operators are bounded, so no later phase meets a tree that it cannot walk.
 */
import { isIndexLetter } from "../../ir/syntax/names.ts";
import type { BinaryOperator, Expression, Identifier, Subscript } from "../../ir/syntax/node.ts";
import { OPERATORS, PRECEDENCE } from "../../ir/syntax/operators.ts";
import { joinSpans, type Span } from "../../support/source.ts";
import type { Cursor } from "./cursor.ts";
import { abandon, accept, atEnd, blockIdentifier, fail, identifier, isSign, next, peek, previousEnd, quoted, seen, written } from "./cursor.ts";
import type { Token } from "./lex.ts";
import { closeGroup, endsEquation, hole, reportSideBySide, skipTo, startsValue, unexpected } from "./recover.ts";
import { toSubscript } from "./subscripts.ts";

export const MAX_DEPTH = 100;
export const MAX_OPERATORS = 1000;

const BINARY = new Map(OPERATORS.map((entry) => [entry.unicode, entry]));
const FUNCTION_OPERATORS: Readonly<Record<string, BinaryOperator>> = { outer: "outer", conv: "convolve" };
type Reduction = "sum" | "max" | "mean" | "softmax";

/** Reads an expression whose operators bind at least as tightly as `minimum`. */
export function parseExpression(c: Cursor, minimum: number = PRECEDENCE.additive): Expression {
  let left = parsePrefix(c);
  for (;;) {
    const token = peek(c);
    const entry = token.kind === "sign" ? BINARY.get(token.text) : undefined;
    if (entry) {
      if (entry.precedence < minimum) return left;
      if (!countOperator(c, token)) return left;
      next(c);
      const right = parseExpression(c, entry.associativity === "left" ? entry.precedence + 1 : entry.precedence);
      left = binary(entry.op, left, right);
      continue;
    }
    if (isSign(token, "×") && !c.inSizes && PRECEDENCE.multiplicative >= minimum) {
      fail(c, "E037", token, "`×` could mean several products", { edit: { span: token, text: "·", label: "·" } });
      if (!countOperator(c, token)) return left;
      next(c);
      left = binary("mul", left, parseExpression(c, PRECEDENCE.multiplicative + 1));
      continue;
    }
    if (token.kind === "error" && PRECEDENCE.multiplicative >= minimum) {
      next(c);
      if (!countOperator(c, token)) return left;
      if (startsValue(c, peek(c))) left = binary("mul", left, parseExpression(c, PRECEDENCE.multiplicative + 1));
      continue;
    }
    if (startsValue(c, token) && !endsEquation(token)) {
      if (PRECEDENCE.product < minimum) return left;
      if (!countOperator(c, token)) return left;
      const at = c.at;
      const right = parseExpression(c, PRECEDENCE.product + 1);
      reportSideBySide(c, left, right, c.tokens[at]!);
      left = binary("product", left, right);
      continue;
    }
    return left;
  }
}

function binary(op: BinaryOperator, left: Expression, right: Expression): Expression {
  return { kind: "binary", span: joinSpans(left.span, right.span), op, left, right };
}

function countOperator(c: Cursor, token: Token): boolean {
  c.operators++;
  if (c.operators <= MAX_OPERATORS) return true;
  tooLong(c, token);
  return false;
}

function tooLong(c: Cursor, token: Span): void {
  fail(c, "E022", token, c.depth > MAX_DEPTH ? "the brackets are nested too deeply" : "the equation is too long");
  abandon(c);
}

function parsePrefix(c: Cursor): Expression {
  c.depth++;
  const token = peek(c);
  let result: Expression;
  if (c.depth > MAX_DEPTH) {
    tooLong(c, token);
    result = hole(token.start);
  } else if (isSign(token, "-")) {
    next(c);
    const operand = countOperator(c, token) ? parseExpression(c, PRECEDENCE.negate) : hole(token.end);
    result = { kind: "unary", span: { start: token.start, end: Math.max(operand.span.end, token.end) }, op: "neg", operand };
  } else if (isSign(token, "√")) {
    next(c);
    const operand = countOperator(c, token) ? parsePostfix(c, parsePrimary(c)) : hole(token.end);
    const span = { start: token.start, end: Math.max(operand.span.end, token.end) };
    result = {
      kind: "call",
      span,
      callee: { kind: "identifier", span: { start: token.start, end: token.end }, name: "sqrt" },
      args: [operand],
      named: [],
    };
  } else {
    result = parsePostfix(c, parsePrimary(c));
  }
  c.depth--;
  return result;
}

function missing(c: Cursor): Expression {
  const token = peek(c);
  const before = c.at > 0 ? c.tokens[c.at - 1]! : undefined;
  const after = token.kind === "end" || token.start === token.end ? undefined : `\`${quoted(c, token)}\``;
  if (token.kind === "error" || before?.kind === "error") {
    if (token.kind === "error") next(c);
    if (token.kind === "error" && startsValue(c, peek(c))) return parsePostfix(c, parsePrimary(c));
    return hole(token.start);
  }
  if (before?.kind === "sign") {
    const sign = quoted(c, before);
    fail(c, "E005", before, after ? `a value is missing between \`${sign}\` and ${after}` : `nothing follows \`${sign}\``);
  } else if (after) fail(c, "E005", token, `a value is missing before ${after}`);
  else fail(c, "E005", token, "a value is missing");
  return hole(token.start);
}

function parsePrimary(c: Cursor): Expression {
  const token = peek(c);
  if (token.kind === "number") {
    next(c);
    return { kind: "number", span: { start: token.start, end: token.end }, value: token.value };
  }
  if (token.kind === "name" && token.text !== "where") return parseName(c);
  if (isSign(token, "(", "{")) return parseGroup(c);
  if (isSign(token, "[")) return parseConcatenation(c);
  if (isSign(token, "|", "‖")) return parseBars(c);
  return missing(c);
}

/** Runs a reader inside a pair of brackets, where bars begin anew; the cursor is on the opening bracket. */
function inside<T>(c: Cursor, read: (opening: Token) => T): T {
  const bars = c.bars;
  c.bars = 0;
  const result = read(next(c));
  c.bars = bars;
  return result;
}

function parseGroup(c: Cursor): Expression {
  return inside(c, (opening) => {
    const close = opening.text === "(" ? ")" : "}";
    if (isSign(peek(c), close)) {
      const closing = next(c);
      fail(c, "E005", { start: opening.start, end: closing.end }, "there is nothing between the brackets");
      return hole(opening.start);
    }
    const expression = parseExpression(c);
    const closing = closeGroup(c, close);
    const isAtom = expression.kind === "name" || expression.kind === "number";
    return isAtom ? expression : { ...expression, span: { start: opening.start, end: closing } };
  });
}

function parseConcatenation(c: Cursor): Expression {
  return inside(c, (opening) => {
    const parts = parseParts(c, opening, undefined);
    return { kind: "concatenation", span: { start: opening.start, end: previousEnd(c) }, parts };
  });
}

/** The rest of `[a; b]` after its opening bracket, or after its first part. */
function parseParts(c: Cursor, opening: Token, first: Expression | undefined): Expression[] {
  const parts: Expression[] = first ? [first] : [];
  if (!first && isSign(peek(c), "]")) {
    const closing = next(c);
    fail(c, "E021", { start: opening.start, end: closing.end }, "there is nothing between the brackets");
    return [hole(opening.start)];
  }
  if (!first) parts.push(parseExpression(c));
  for (let told = false; isSign(peek(c), ";", ","); ) {
    const separator = next(c);
    if (separator.text === "," && !told) {
      told = true;
      fail(c, "E036", separator, "the parts of a concatenation are separated by `;`", { edit: { span: separator, text: ";", label: ";" } });
    }
    parts.push(parseExpression(c));
  }
  closeGroup(c, "]");
  return parts;
}

function parseBars(c: Cursor): Expression {
  const opening = next(c);
  if (!countOperator(c, opening)) return hole(opening.start);
  c.bars++;
  const operand = parseExpression(c);
  c.bars--;
  const closing = accept(c, opening.text);
  if (!closing) fail(c, "E035", opening, `\`${quoted(c, opening)}\` is never closed`);
  const span = { start: opening.start, end: closing ? closing.end : Math.max(operand.span.end, opening.end) };
  if (opening.text === "|") return { kind: "absolute", span, operand };
  return {
    kind: "call",
    span,
    callee: { kind: "identifier", span: { start: opening.start, end: opening.end }, name: "norm" },
    args: [operand],
    named: [],
  };
}

function parseName(c: Cursor): Expression {
  const token = peek(c);
  if (token.text === "repeat" && startsRepeat(c)) return parseRepeat(c);
  const reduction = parseReduction(c, token);
  if (reduction) return reduction;
  if (isSign(peek(c, 1), "(")) {
    next(c);
    return parseCall(c, token);
  }
  const { span, name } = seen(c, next(c));
  return { kind: "name", span, name };
}

/** `repeat 3 lstm(`: with anything else after it `repeat` is a name like others. */
function startsRepeat(c: Cursor): boolean {
  const count = peek(c, 1);
  return (count.kind === "number" || (count.kind === "name" && count.text !== "where")) && peek(c, 2).kind === "name" && isSign(peek(c, 3), "(");
}

/** `repeat 3 lstm(e)`: a call, with how often it is made. */
function parseRepeat(c: Cursor): Expression {
  const first = next(c);
  const count = next(c);
  const span = { start: count.start, end: count.end };
  const repeat: Expression =
    count.kind === "number" ? { kind: "number", span, value: count.value } : { kind: "name", span, name: seen(c, count).name };
  const call = parseCall(c, next(c));
  const whole = { start: first.start, end: call.span.end };
  if (call.kind === "call") return { ...call, span: whole, repeat };
  fail(c, "E034", first, `\`${quoted(c, first)}\` cannot stand here: only blocks are repeated`);
  return call;
}

/** `Σ_s e`, `sum_s(e)`, `softmax_s(e)`; undefined, and nothing read, if the name is only a name. */
function parseReduction(c: Cursor, token: Token): Expression | undefined {
  const following = peek(c, 1);
  const isTime = following.kind === "time" && /^(Σ|sum|max|mean|softmax)$/.test(token.text) && startsValue(c, peek(c, 2));
  if (isTime) {
    next(c);
    const time = next(c);
    const span = { start: token.start, end: time.end };
    fail(c, "E018", span, `\`${quoted(c, span)}\` would sum over t, which is the time of the equation itself`);
    return reduce(c, token, { kind: "identifier", span: { start: time.start, end: time.end }, name: "t" }, "sum", token.text === "Σ");
  }
  if (token.text === "Σ" && isSign(following, "_{")) return parseBoundedSum(c);
  if (isSign(following, "[") && following.start === token.end) return undefined; // Σ[t-1] is a value of the name Σ
  if (token.text === "Σ" && startsValue(c, following)) {
    next(c);
    fail(c, "E018", token, `\`${quoted(c, token)}\` does not say over which index it sums`);
    return reduce(c, token, { kind: "identifier", span: { start: token.end, end: token.end }, name: "" }, "sum", true);
  }
  if (!/^[Σms]/.test(token.text)) return undefined; // most names, and the next pattern is slow to make
  const match = /^(Σ|(?:sum|max|mean|softmax)(?:_|(?=\p{Script=Greek})))(.*)$/u.exec(token.text);
  if (!match || match[2] === "") return undefined;
  const index = match[2]!;
  const isSum = match[1] === "Σ";
  if (!isIndexLetter(index) && !c.context.indices.has(index)) return undefined;
  if (!startsValue(c, following)) return undefined;
  next(c);
  return reduce(
    c,
    token,
    { kind: "identifier", span: indexSpan(c, token), name: index },
    isSum ? "sum" : (match[1]!.replace("_", "") as Reduction),
    isSum,
  );
}

/** Where the index stands in `Σ_s`, `sum_{s}`, `Σₛ`. */
function indexSpan(c: Cursor, token: Token): Span {
  const text = written(c, token);
  const underscore = text.indexOf("_");
  if (underscore < 0) return { start: token.start + 1, end: token.end };
  const isBraced = text[underscore + 1] === "{";
  return { start: token.start + underscore + (isBraced ? 2 : 1), end: token.end - (isBraced ? 1 : 0) };
}

function reduce(c: Cursor, token: Token, index: Identifier, op: Reduction, isSum: boolean): Expression {
  const isCall = !isSum && isSign(peek(c), "(");
  if (!countOperator(c, token)) return hole(token.start);
  const body = isCall ? parseGroup(c) : parseExpression(c, PRECEDENCE.multiplicative);
  const end = isCall ? previousEnd(c) : Math.max(body.span.end, token.end);
  return { kind: "reduction", span: { start: token.start, end }, op, index, body };
}

/** Σ_{s≤t}, Σ_{s=1}^{t}: the range belongs in `where`; the index is kept. */
function parseBoundedSum(c: Cursor): Expression {
  const sum = next(c);
  const opening = next(c);
  const first = peek(c);
  skipTo(c, "}");
  accept(c, "}");
  if (accept(c, "^")) {
    if (isSign(peek(c), "{", "(")) {
      const close = next(c).text === "{" ? "}" : ")";
      skipTo(c, close);
      accept(c, close);
    } else next(c);
  }
  const span = { start: sum.start, end: previousEnd(c) };
  if (first.kind === "name") {
    const name = written(c, first);
    fail(c, "E019", span, `\`${quoted(c, span)}\` gives the index its range`, {
      edit: { span, text: `Σ_${name}`, label: `Σ_${name}, and the range in \`where\`` },
    });
  } else fail(c, "E018", { start: sum.start, end: Math.max(opening.end, span.end) }, `\`${quoted(c, span)}\` does not say over which index it sums`);
  const index: Identifier = first.kind === "name" ? seen(c, first) : { kind: "identifier", span: { start: first.start, end: first.start }, name: "" };
  return reduce(c, sum, index, "sum", true);
}

function parseCall(c: Cursor, token: Token): Expression {
  const callee = blockIdentifier(c, token);
  if (!countOperator(c, token)) return hole(token.start);
  return inside(c, () => {
    const args: Expression[] = [];
    const named: { name: Identifier; value: Expression }[] = [];
    const given = new Set<string>();
    while (!isSign(peek(c), ")") && !atEnd(c)) {
      if (isSign(peek(c), ",")) {
        fail(c, "E017", peek(c), "an argument is missing before this comma");
      } else if (peek(c).kind === "name" && isSign(peek(c, 1), "=")) {
        const name = identifier(c);
        next(c);
        if (given.has(name.name)) fail(c, "E040", name.span, `\`${quoted(c, name.span)}\` is given twice`);
        given.add(name.name);
        named.push({ name, value: parseExpression(c) });
      } else {
        const argument = parseExpression(c);
        if (named.length > 0) fail(c, "E040", argument.span, `\`${quoted(c, argument.span)}\` follows an argument with a name`);
        args.push(argument);
      }
      if (isSign(peek(c), ")") || atEnd(c)) break;
      if (!isSign(peek(c), ",")) {
        unexpected(c);
        skipTo(c, ")");
        break;
      }
      const comma = next(c);
      if (isSign(peek(c), ")"))
        fail(c, "E017", comma, "nothing follows the last comma", { edit: { span: comma, text: "", label: "without the comma" } });
    }
    const closing = accept(c, ")");
    const span = { start: token.start, end: closing ? closing.end : previousEnd(c) };
    const op = Object.hasOwn(FUNCTION_OPERATORS, token.text) ? FUNCTION_OPERATORS[token.text] : undefined;
    if (op && args.length === 2 && named.length === 0) return { kind: "binary", span, op, left: args[0]!, right: args[1]! };
    return { kind: "call", span, callee, args, named };
  });
}

function parsePostfix(c: Cursor, base: Expression): Expression {
  let left = base;
  let fromSuffix = false; // a time suffix takes the brackets after it into its own list: a_t[n]
  for (;;) {
    const token = peek(c);
    if (token.kind === "time") {
      next(c);
      const subscript: Subscript = { kind: "time", span: { start: token.start, end: token.end }, lag: token.value };
      left = withSubscripts(left, [subscript], token.end, fromSuffix);
      fromSuffix = true;
    } else if (isSign(token, "[", "_{")) {
      if (!countOperator(c, token)) return left;
      left = parseSubscripts(c, left, fromSuffix);
      fromSuffix = false;
    } else if (isSign(token, "'")) {
      if (!countOperator(c, token)) return left;
      next(c);
      left = { kind: "unary", span: { start: left.span.start, end: token.end }, op: "transpose", operand: left };
      fromSuffix = false;
    } else if (isSign(token, "^") && transposeLength(c) > 0) {
      if (!countOperator(c, token)) return left;
      for (let n = transposeLength(c); n > 0; n--) next(c);
      left = { kind: "unary", span: { start: left.span.start, end: previousEnd(c) }, op: "transpose", operand: left };
      fromSuffix = false;
    } else return left;
  }
}

/** Number of tokens of `^T`, `^⊤`, `^{T}` at the cursor: a transpose in papers. T names a number of steps and is no exponent. */
function transposeLength(c: Cursor): number {
  const one = peek(c, 1);
  if (isSign(one, "'") || (one.kind === "name" && one.text === "T" && !isSign(peek(c, 2), "(", "["))) return 2;
  const two = peek(c, 2);
  const isT = isSign(two, "'") || (two.kind === "name" && two.text === "T");
  return isSign(one, "{") && isT && isSign(peek(c, 3), "}") ? 4 : 0;
}

function withSubscripts(left: Expression, subscripts: readonly Subscript[], end: number, merge: boolean): Expression {
  const span = { start: left.span.start, end };
  if (merge && left.kind === "subscript") return { ...left, span, subscripts: [...left.subscripts, ...subscripts] };
  return { kind: "subscript", span, base: left, subscripts };
}

function parseSubscripts(c: Cursor, base: Expression, merge: boolean): Expression {
  return inside(c, (opening) => {
    const close = opening.text === "[" ? "]" : "}";
    const subscripts: Subscript[] = [];
    if (isSign(peek(c), close)) {
      const closing = next(c);
      fail(c, "E021", { start: opening.start, end: closing.end }, "there is nothing between the brackets");
      return base;
    }
    for (;;) {
      if (isSign(peek(c), ",", close)) {
        fail(c, "E017", peek(c), isSign(peek(c), ",") ? "a subscript is missing before this comma" : "a subscript is missing after the last comma");
      } else {
        const value = parseExpression(c);
        if (isSign(peek(c), ";") && close === "]" && subscripts.length === 0) {
          const at = { start: base.span.end, end: opening.start };
          const parts = parseParts(c, opening, value);
          const right: Expression = { kind: "concatenation", span: { start: opening.start, end: previousEnd(c) }, parts };
          fail(c, "E003", joinSpans(base.span, right.span), `\`${quoted(c, base.span)}\` and \`${quoted(c, right.span)}\` stand side by side`, {
            edit: { span: at, text: "·", label: `${quoted(c, base.span)}·${quoted(c, right.span)}` },
          });
          return binary("product", base, right);
        }
        subscripts.push(toSubscript(c, value));
      }
      if (!accept(c, ",")) break;
    }
    const end = closeGroup(c, close);
    return withSubscripts(base, subscripts, end, merge);
  });
}
