/**
 * What stands in subscript brackets: a time relative to t, or an index.
 *
 * In: an expression already read. Out: a subscript; a time that is no fixed distance from t is reported.
 */
import type { Expression, Subscript } from "../../ir/syntax/node.ts";
import { type Cursor, fail, quoted } from "./cursor.ts";

/** A subscript from its expression: `t`, `t-1` and `t+1` are times, everything else is an index; other expressions with t are reported. */
export function toSubscript(c: Cursor, value: Expression): Subscript {
  const lag = lagOf(value);
  if (lag !== undefined) return { kind: "time", span: value.span, lag };
  if (mentionsTime(value)) {
    fail(c, "E020", value.span, `\`${quoted(c, value.span)}\` is not a fixed number of steps from t`);
    return { kind: "time", span: value.span, lag: 0 };
  }
  return { kind: "index", span: value.span, value };
}

function lagOf(e: Expression): number | undefined {
  if (e.kind === "name") return e.name === "t" ? 0 : undefined;
  if (e.kind !== "binary" || e.left.kind !== "name" || e.left.name !== "t" || e.right.kind !== "number") return undefined;
  if (!Number.isSafeInteger(e.right.value)) return undefined;
  if (e.op === "sub") return e.right.value;
  return e.op === "add" && e.right.value !== 0 ? -e.right.value : e.op === "add" ? 0 : undefined;
}

/** True if plain `t` occurs in the expression (not inside a subscript of its own). */
function mentionsTime(e: Expression): boolean {
  if (e.kind === "name") return e.name === "t";
  if (e.kind === "binary") return mentionsTime(e.left) || mentionsTime(e.right);
  return e.kind === "unary" && mentionsTime(e.operand);
}
