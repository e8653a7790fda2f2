/**
 * Factors side by side in LaTeX → one expression: which product is meant.
 *
 * In: factors in the order of the page. Out: their product, spelled as this language spells it. Papers leave the sign out for all of them: the matrix product
 * `W h`, the number times a vector `\alpha_t S`, the inner product `q^\top k`, the outer product `v k^\top`, the elementwise product of gates `f_t c_{t-1}`.
 * What is a guess is noted. A product with `I - …` is multiplied out, because the identity has no spelling here.
 */
import type { BinaryOperator, Expression } from "../../ir/syntax/node.ts";
import { joinSpans } from "../../support/source.ts";
import type { LatexCursor } from "./latex-cursor.ts";

export interface Factor {
  readonly expression: Expression;
  /** A lower-case letter with a sign of transposition, which was left out. */
  readonly row: boolean;
}

const ELEMENTWISE = new Set(["σ", "tanh", "relu", "silu", "gelu", "exp", "log", "softplus", "elu", "hard_σ", "log_σ", "sin", "cos"]);

export const binary = (op: BinaryOperator, left: Expression, right: Expression): Expression => ({
  kind: "binary",
  span: joinSpans(left.span, right.span),
  op,
  left,
  right,
});

/** Product of factors side by side. */
export function joinFactors(c: LatexCursor, factors: readonly Factor[]): Expression {
  const joined: Factor[] = [];
  for (const [i, factor] of factors.entries()) {
    const before = joined[joined.length - 1];
    if (factor.row && i > 0 && before && isVector(before.expression))
      joined[joined.length - 1] = { expression: binary("outer", before.expression, factor.expression), row: false };
    else joined.push(factor);
  }
  return joined.reduce((before, factor) => {
    const [left, right] = [before.expression, factor.expression];
    const isGuess = !before.row && isVectorLike(c, left) && isVectorLike(c, right);
    if (isScalar(left) || right.kind === "number") return { expression: binary("mul", left, right), row: false };
    if (!isGuess) return { expression: product(c, left, right), row: false };
    const isSummed = left.kind === "subscript" && left.subscripts.some((subscript) => subscript.kind === "index"); // a_{ts} v_s
    if (!isSummed) c.note("W003", joinSpans(left.span, right.span), "two vectors side by side are read as their elementwise product");
    return { expression: binary("mul", left, right), row: false };
  }).expression;
}

/** The product that a sign between two values means: `\cdot` after `1 - z` or `\sigma(…)` and `\otimes` after `\sigma(…)` are elementwise. */
export function joinBySign(c: LatexCursor, op: BinaryOperator, left: Expression, right: Expression): Expression {
  if (op === "product" && isScalar(left)) return binary("mul", left, right);
  const isGate = op === "outer" ? isActivation(left) : op === "product" && (isActivation(left) || isComplement(left)) && isVectorLike(c, right);
  if (isGate) {
    const sign = op === "outer" ? "\\otimes" : "\\cdot";
    c.note("W003", joinSpans(left.span, right.span), `\`${sign}\` after a gate is read as the elementwise product; write \`\\odot\` to say so`);
    return binary("hadamard", left, right);
  }
  return op === "product" ? product(c, left, right) : binary(op, left, right);
}

/** A lower-case Latin name. */
export function isVector(e: Expression): boolean {
  const base = e.kind === "subscript" ? e.base : e;
  return base.kind === "name" && /^\p{Ll}/u.test(base.name);
}

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

function isActivation(e: Expression): boolean {
  return e.kind === "call" && e.args.length === 1 && ELEMENTWISE.has(e.callee.name);
}

/** `1 - z` */
function isComplement(e: Expression): boolean {
  return e.kind === "binary" && e.op === "sub" && e.left.kind === "number";
}

/** True for what changes over time and is no matrix: `h_{t-1}`, `1 - z_t`, `\tanh(…)`. A lower-case name without a time may be a weight. */
function isVectorLike(c: LatexCursor, e: Expression): boolean {
  if (c.components.marked.has(e)) return true;
  switch (e.kind) {
    case "name":
      return c.components.names.has(e.name);
    case "subscript":
      return isVector(e);
    case "unary":
      return e.op === "neg" && isVectorLike(c, e.operand);
    case "call":
      return isActivation(e);
    case "binary": {
      const [left, right] = [isVectorLike(c, e.left), isVectorLike(c, e.right)];
      if (e.op === "add" || e.op === "sub") return (left && (right || isScalar(e.right) || isVector(e.right))) || (right && isScalar(e.left));
      if (e.op === "product") return right && e.left.kind === "name" && /^\p{Lu}/u.test(e.left.name); // W·x
      if (e.op === "mul" || e.op === "hadamard") return right && (left || isScalar(e.left) || isVector(e.left));
      return e.op === "div" && left;
    }
    default:
      return false;
  }
}

/** The product of linear algebra; one with `I ± …` is multiplied out. */
function product(c: LatexCursor, left: Expression, right: Expression): Expression {
  if (hasIdentity(right) && isPlain(left)) return applied(c, right, (e) => timesRight(left, e));
  if (hasIdentity(left) && isPlain(right)) return applied(c, left, (e) => timesLeft(e, right));
  if (hasIdentity(left) || hasIdentity(right))
    c.note("W002", joinSpans(left.span, right.span), "the identity `I` has no spelling here; multiply this product out");
  return binary("product", left, right);
}

/** A name, so that multiplying out repeats little. */
function isPlain(e: Expression): boolean {
  return e.kind === "name" || e.kind === "subscript";
}

function isIdentity(e: Expression): boolean {
  return e.kind === "name" && e.name === "I";
}

/** True for a sum with the identity in it, or a number times one. */
function hasIdentity(e: Expression): boolean {
  if (e.kind !== "binary") return false;
  if (e.op === "add" || e.op === "sub") return isIdentity(e.left) || isIdentity(e.right) || hasIdentity(e.left);
  return e.op === "mul" && isScalar(e.left) && hasIdentity(e.right);
}

/** Multiplies out: `factor` gives the product with a part that is no sum. */
function applied(c: LatexCursor, e: Expression, factor: (part: Expression) => Expression): Expression {
  if (isIdentity(e)) c.note("W003", e.span, "`I` is read as the identity matrix, and the product with it is multiplied out");
  else if (e.kind === "binary" && (e.op === "add" || e.op === "sub")) return binary(e.op, applied(c, e.left, factor), applied(c, e.right, factor));
  else if (e.kind === "binary" && e.op === "mul" && isScalar(e.left)) return binary("mul", e.left, applied(c, e.right, factor));
  return factor(e);
}

/** `S (u ⊗ v)` is `(S u) ⊗ v`: a vector, not a matrix product. */
function timesRight(left: Expression, e: Expression): Expression {
  if (isIdentity(e)) return left;
  return e.kind === "binary" && e.op === "outer" ? binary("outer", binary("product", left, e.left), e.right) : binary("product", left, e);
}

/** `(u ⊗ v) S` is `u ⊗ (Sᵀ v)`. */
function timesLeft(e: Expression, right: Expression): Expression {
  if (isIdentity(e)) return right;
  if (e.kind !== "binary" || e.op !== "outer") return binary("product", e, right);
  return binary("outer", e.left, binary("product", { kind: "unary", span: right.span, op: "transpose", operand: right }, e.right));
}
