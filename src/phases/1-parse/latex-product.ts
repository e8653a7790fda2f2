/**
 * Factors side by side in LaTeX → one expression: which product is meant.
 *
 * In: factors in the order of the page. Out: their product, spelled as this language spells it. Papers leave the sign out for all of them: the matrix product
 * `W h`, the number times a vector `\alpha_t S`, the inner product `q^\top k`, the outer product `v k^\top`, the elementwise product of gates `f_t c_{t-1}`.
 * What is a guess is noted. A product with `I - …` is multiplied out, because the identity has no spelling here.
 */
import { binary, hasIdentity, identitiesIn, identityTimes, isScalar, timesIdentity } from "../../ir/syntax/identity-product.ts";
import type { BinaryOperator, Expression } from "../../ir/syntax/node.ts";
import { joinSpans } from "../../support/source.ts";
import type { LatexCursor } from "./latex-cursor.ts";

export interface Factor {
  readonly expression: Expression;
  /** A lower-case letter with a sign of transposition, which was left out. */
  readonly row: boolean;
}

const ELEMENTWISE = new Set(["σ", "tanh", "relu", "silu", "gelu", "exp", "log", "softplus", "elu", "hard_σ", "log_σ", "sin", "cos"]);

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
    if (before.row && left.kind === "name" && isInput(right)) c.components.rows.set(left.name, left.span);
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

/** `x_t` */
function isInput(e: Expression): boolean {
  return e.kind === "subscript" && e.base.kind === "name" && e.base.name === "x" && e.subscripts.every((subscript) => subscript.kind === "time");
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
  if (hasIdentity(right) && isPlain(left)) return timesIdentity(left, noted(c, right));
  if (hasIdentity(left) && isPlain(right)) return identityTimes(noted(c, left), right);
  if (hasIdentity(left) || hasIdentity(right))
    c.note("W002", joinSpans(left.span, right.span), "the identity `I` has no spelling here; multiply this product out");
  return binary("product", left, right);
}

function noted(c: LatexCursor, sum: Expression): Expression {
  for (const { span } of identitiesIn(sum)) c.note("W003", span, "`I` is read as the identity matrix, and the product with it is multiplied out");
  return sum;
}

/** A name, so that multiplying out repeats little. */
function isPlain(e: Expression): boolean {
  return e.kind === "name" || e.kind === "subscript";
}
