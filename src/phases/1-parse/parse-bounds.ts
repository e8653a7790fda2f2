/**
 * Bounds of a time index in a `where` line: `s ≤ t`, `t-W < s ≤ t`, `t ≥ s`, `s < r ≤ t`.
 *
 * In: a cursor at the start of a declaration. Out: the bound, its values relative to t, or undefined and a message.
 */
import type { Bound, Declaration, Expression } from "../../ir/syntax/node.ts";
import { joinSpans } from "../../support/source.ts";
import { type Cursor, fail, isSign, next, peek, previousEnd, quoted } from "./cursor.ts";
import { parseExpression } from "./parse-expression.ts";

const ORDER = ["≤", "<", "≥", ">"];

/** True if the declaration at the cursor compares: `s ≤ t`. */
export function isBound(c: Cursor): boolean {
  for (let i = 0, depth = 0; ; i++) {
    const token = peek(c, i);
    if (token.kind === "end") return false;
    if (isSign(token, "(", "[", "{", "_{")) depth++;
    else if (isSign(token, ")", "]", "}")) depth--;
    else if (depth <= 0 && isSign(token, ",", ";", "~", "∈", ":", "=")) return false;
    else if (depth <= 0 && isSign(token, ...ORDER)) return i > 0;
  }
}

/** `s ≤ t`, `t-W < s ≤ t`, `t ≥ s` */
export function parseBound(c: Cursor, start: number): Declaration | undefined {
  const parts = [parseExpression(c)];
  const signs: string[] = [];
  while (isSign(peek(c), ...ORDER) && signs.length < 3) {
    signs.push(next(c).text);
    parts.push(parseExpression(c));
  }
  const span = { start, end: previousEnd(c) };
  const middle = parts.length === 3 ? 1 : isIndex(parts[0]!) ? 0 : 1;
  const index = parts[middle];
  const reversed = signs[0] === "≥" || signs[0] === ">";
  const mixed = signs.some((sign) => (sign === "≥" || sign === ">") !== reversed);
  if (parts.length > 3 || index === undefined || !isIndex(index) || mixed) {
    fail(c, "E028", span, `\`${quoted(c, span)}\` does not bound an index`);
    return undefined;
  }
  let lower: Bound | undefined;
  let upper: Bound | undefined;
  for (const [i, part] of parts.entries()) {
    if (i === middle) continue;
    const sign = signs[Math.min(i, middle)]!;
    const strict = sign === "<" || sign === ">";
    const isLower = i < middle !== reversed;
    if (isLower && part.kind === "number" && (part.value === 1 || part.value === 0)) continue; // from the first step on: no bound
    if (isLower && parts.length === 3 && isIndex(part)) {
      lower = { strict, value: { kind: "number", span: part.span, value: 0 }, of: { kind: "identifier", span: part.span, name: part.name } };
      continue;
    }
    const value = relativeToTime(part);
    if (!value) {
      fail(c, "E028", part.span, `\`${quoted(c, part.span)}\` is no place relative to t`);
      return undefined;
    }
    if (isLower) lower = { strict, value };
    else upper = { strict, value };
  }
  const { kind, name, span: place } = index;
  return {
    kind: "bound",
    span,
    name: { kind: "identifier", span: place, name: kind === "name" ? name : "" },
    ...(lower ? { lower } : {}),
    ...(upper ? { upper } : {}),
  };
}

function isIndex(e: Expression): e is Expression & { kind: "name" } {
  return e.kind === "name" && e.name !== "t" && e.name !== "";
}

/** `t` → 0, `t - W` → -W, `t + 1` → 1, `t - W + 1` → -W + 1; undefined for anything else. */
function relativeToTime(e: Expression): Expression | undefined {
  if (e.kind === "name" && e.name === "t") return { kind: "number", span: e.span, value: 0 };
  if (e.kind !== "binary" || (e.op !== "add" && e.op !== "sub")) return undefined;
  const left = relativeToTime(e.left);
  if (!left) return undefined;
  const isZero = left.kind === "number" && left.value === 0;
  if (!isZero) return { ...e, left };
  if (e.op === "add") return e.right;
  return { kind: "unary", span: joinSpans(e.left.span, e.right.span), op: "neg", operand: e.right };
}
