/**
 * What the parser of expressions does where a text is wrong: it reports one message and finds its place again.
 *
 * In: a cursor on balanced tokens. Out: diagnostics, and the cursor moved. Never reads an expression.
 */
import type { Expression } from "../../ir/syntax/node.ts";
import { joinSpans } from "../../support/source.ts";
import type { Cursor } from "./cursor.ts";
import { accept, atEnd, fail, isSign, next, peek, previousEnd, quoted, written } from "./cursor.ts";
import type { Token } from "./lex.ts";

const COMPARISONS = ["<", ">", "≤", "≥"];

/** True if the word begins declarations on the same line. */
export function endsEquation(token: Token): boolean {
  return token.kind === "name" && token.text === "where";
}

/** True if a value can begin with the token. */
export function startsValue(c: Cursor, token: Token): boolean {
  if (token.kind === "name" || token.kind === "number") return true;
  if (isSign(token, "|", "‖")) return c.bars === 0;
  return isSign(token, "(", "[", "{", "√");
}

/** Reports two values without an operator between them, and offers the product. */
export function reportSideBySide(c: Cursor, left: Expression, right: Expression, second: Token): void {
  const gap = { start: left.span.end, end: second.start };
  const between = { start: gap.start, end: Math.max(gap.end, gap.start) };
  if (left.kind === "number" && right.kind === "number") {
    fail(c, "E002", joinSpans(left.span, right.span), `\`${quoted(c, joinSpans(left.span, right.span))}\` is no number`);
  } else if (left.kind === "number" || right.kind === "number") {
    const text = `${quoted(c, left.span)}*${quoted(c, right.span)}`;
    fail(c, "E004", joinSpans(left.span, right.span), `\`${quoted(c, joinSpans(left.span, right.span))}\` lacks the sign of its product`, {
      edit: { span: between, text: "*", label: text },
    });
  } else {
    const shownLeft = left.kind === "binary" && !written(c, left.span).startsWith("(") ? rightmost(left) : left;
    const text = `${quoted(c, shownLeft.span)}·${quoted(c, right.span)}`;
    const span = joinSpans(shownLeft.span, right.span);
    fail(c, "E003", span, `\`${quoted(c, shownLeft.span)}\` and \`${quoted(c, right.span)}\` stand side by side`, {
      edit: { span: between, text: "·", label: text },
    });
  }
}

function rightmost(expression: Expression): Expression {
  let e = expression;
  while (e.kind === "binary") e = e.right;
  return e;
}

/** Stands where a value is missing. */
export function hole(at: number): Expression {
  return { kind: "name", span: { start: at, end: at }, name: "" };
}

/** Reports a token that cannot stand where it does. */
export function unexpected(c: Cursor): void {
  const token = peek(c);
  if (token.kind === "error") return;
  if (isSign(token, ...COMPARISONS)) fail(c, "E032", token, `\`${quoted(c, token)}\` compares, and an expression holds no comparisons`);
  else if (isSign(token, "=")) fail(c, "E013", token, "a second `=` in one equation");
  else if (isSign(token, "|", "‖")) fail(c, "E035", token, `\`${quoted(c, token)}\` opens an absolute value that is never closed`);
  else if (isSign(token, "'")) fail(c, "E034", token, "nothing stands before this sign of transposition");
  else fail(c, "E034", token, `\`${quoted(c, token)}\` cannot stand here`);
}

/** Moves to the closing bracket of the current level. */
export function skipTo(c: Cursor, close: string): void {
  let depth = 0;
  while (!atEnd(c)) {
    const token = peek(c);
    if (depth === 0 && isSign(token, close)) return;
    if (isSign(token, "(", "[", "{", "_{")) depth++;
    else if (isSign(token, ")", "]", "}")) depth--;
    next(c);
  }
}

/** Passes the closing bracket; what stands before it is reported once. Returns where the group ends. */
export function closeGroup(c: Cursor, close: string): number {
  if (!isSign(peek(c), close) && !atEnd(c)) {
    unexpected(c);
    skipTo(c, close);
  }
  const closing = accept(c, close);
  return closing ? Math.max(closing.end, closing.start) : previousEnd(c);
}
