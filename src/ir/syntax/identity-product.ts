/**
 * Products with the identity matrix: `S·(I - A)` multiplied out, because the identity has no spelling in the language.
 *
 * In: the two sides of a matrix product in which `I` is the identity. Out: an equal expression without `I`. Never decides whether an `I` is one.
 */
import { joinSpans } from "../../support/source.ts";
import type { BinaryOperator, Expression } from "./node.ts";

export const binary = (op: BinaryOperator, left: Expression, right: Expression): Expression => ({
  kind: "binary",
  span: joinSpans(left.span, right.span),
  op,
  left,
  right,
});

/** A number, a lower-case Greek name, or the root of a size. */
export function isScalar(e: Expression): boolean {
  if (e.kind === "number") return true;
  if (e.kind === "unary" && e.op === "neg") return isScalar(e.operand);
  if (e.kind === "binary" && (e.op === "div" || e.op === "mul" || e.op === "power"))
    return isScalar(e.left) && (e.op === "power" || isScalar(e.right));
  if (e.kind === "call") return e.callee.name === "sqrt" && e.args.length === 1 && e.args[0]!.kind === "name";
  const base = e.kind === "subscript" ? e.base : e;
  return base.kind === "name" && /^[α-ω](?!.*σ$)/u.test(base.name);
}

function isIdentity(e: Expression): boolean {
  return e.kind === "name" && e.name === "I";
}

/** True for a sum with `I` in it, or a number times one. */
export function hasIdentity(e: Expression): boolean {
  if (e.kind !== "binary") return false;
  if (e.op === "add" || e.op === "sub") return isIdentity(e.left) || isIdentity(e.right) || hasIdentity(e.left) || hasIdentity(e.right);
  return e.op === "mul" && isScalar(e.left) && hasIdentity(e.right);
}

/** `M·(I - A)` → `M - M·A`, where `sum` has the identity. */
export function timesIdentity(left: Expression, sum: Expression): Expression {
  return multiplied(sum, (part) => {
    if (isIdentity(part)) return left;
    // `S (u ⊗ v)` is `(S u) ⊗ v`: a vector, not a matrix product.
    return part.kind === "binary" && part.op === "outer"
      ? binary("outer", binary("product", left, part.left), part.right)
      : binary("product", left, part);
  });
}

/** `(I - A)·M` → `M - A·M`, where `sum` has the identity. */
export function identityTimes(sum: Expression, right: Expression): Expression {
  return multiplied(sum, (part) => {
    if (isIdentity(part)) return right;
    if (part.kind !== "binary" || part.op !== "outer" || !isCapital(right)) return binary("product", part, right);
    // `(u ⊗ v) S` is `u ⊗ (Sᵀ v)`; the transpose is one of a matrix.
    return binary("outer", part.left, binary("product", { kind: "unary", span: right.span, op: "transpose", operand: right }, part.right));
  });
}

function isCapital(e: Expression): boolean {
  return e.kind === "subscript" ? isCapital(e.base) : e.kind === "name" && /^\p{Lu}/u.test(e.name);
}

/** `factor` gives the product with a part that is no sum. */
function multiplied(e: Expression, factor: (part: Expression) => Expression): Expression {
  if (e.kind === "binary" && (e.op === "add" || e.op === "sub")) return binary(e.op, multiplied(e.left, factor), multiplied(e.right, factor));
  if (e.kind === "binary" && e.op === "mul" && isScalar(e.left)) return binary("mul", e.left, multiplied(e.right, factor));
  return factor(e);
}

/** Every `I` of a sum that has one. */
export function identitiesIn(e: Expression): readonly Expression[] {
  if (isIdentity(e)) return [e];
  if (e.kind !== "binary") return [];
  if (e.op === "add" || e.op === "sub") return [...identitiesIn(e.left), ...identitiesIn(e.right)];
  return e.op === "mul" && isScalar(e.left) ? identitiesIn(e.right) : [];
}
