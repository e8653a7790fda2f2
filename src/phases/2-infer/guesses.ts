/**
 * Conventions about what the equations leave open, in the order in which they are tried.
 *
 * In: a term whose shapes may be unknown. Out: one shape more, and true, or nothing and false. A convention looks at the shapes of the term and of its parts
 * alone, so what it did not apply to it applies to only after one of these has become known.
 *
 *   1  an input that a matrix or kernel is applied to is a vector           5  in a sum with a number, a weight is a number
 *   2  a weight applied to a vector is a matrix; a table has rows           6  in a sum or product with a vector, the other side is one too
 *   3  what a matrix of weights is applied to is a vector                   7  any other input is a vector
 *   4  a weight in a sum or product with a vector is a vector               8  a product of two unknown values is one of vectors
 */
import type { Span } from "../../support/source.ts";
import { type Draft, dimsOf } from "./draft.ts";
import { FUNCTIONS } from "./functions.ts";
import { isPoison } from "./resolve.ts";
import { rankOf, type Rules, settle } from "./shape-facts.ts";
import { isMap } from "./shape-kernels.ts";
import { type Dimension, variable } from "./sizes.ts";

/** A weight, or what stays weights when indexed, transposed or multiplied with weights. */
export function isWeightLike(term: Draft): boolean {
  switch (term.kind) {
    case "weight":
      return true;
    case "component":
    case "element":
      return isWeightLike(term.operand);
    case "unary":
      return isWeightLike(term.operand);
    case "binary":
      return term.op === "product" && isWeightLike(term.left) && isWeightLike(term.right);
    default:
      return false;
  }
}

/** An input, or a part of one: `C[g]`, `k[s]`. */
function isInputPart(term: Draft): boolean {
  return term.kind === "input" || term.kind === "moment" || (term.kind === "component" && isInputPart(term.operand));
}

/** True if it made a shape known. */
export type Guess = (rules: Rules, term: Draft) => boolean;

const vector = (rules: Rules, term: Draft, because: Span): true => {
  const size = rules.solver.fresh();
  size.given = term.kind === "input";
  settle(rules, term.shape, [variable(size)], because);
  return true;
};
const matrix = (rules: Rules, term: Draft, columns: Dimension, because: Span): true => {
  settle(rules, term.shape, [variable(rules.solver.fresh()), columns], because);
  return true;
};
/** What a matrix or kernel is applied to: a vector; a map if the kernel runs over space. */
const spread = (rules: Rules, term: Draft, operand: Draft): true => {
  const axes = term.kind === "convolution" ? (term.taps.space?.length ?? 0) : 0;
  const sizes = Array.from({ length: axes + 1 }, () => rules.solver.fresh());
  for (const size of sizes) size.given = operand.kind === "input";
  settle(rules, operand.shape, sizes.map(variable), term.span);
  return true;
};
const unknown = (term: Draft): boolean => rankOf(term.shape) === undefined;
const isVectorOrMore = (term: Draft): boolean => (rankOf(term.shape) ?? 0) > 0;

const sides = (term: Draft): readonly (readonly [Draft, Draft])[] =>
  term.kind === "binary" && ["add", "sub", "mul", "div", "hadamard"].includes(term.op)
    ? [
        [term.left, term.right],
        [term.right, term.left],
      ]
    : term.kind === "call" && (term.function === "max" || term.function === "min")
      ? [
          [term.args[0], term.args[1]],
          [term.args[1], term.args[0]],
        ]
      : [];

/** What is tried before inputs of which nothing else is known become vectors (7). */
export const GUESSES: readonly Guess[] = [
  // 1: inputs that something is applied to
  (rules, term) => {
    const operand =
      term.kind === "binary" && term.op === "product"
        ? term.right
        : term.kind === "convolution" || term.kind === "blockwise"
          ? term.operand
          : undefined;
    return operand !== undefined && isInputPart(operand) && unknown(operand) && spread(rules, term, operand);
  },
  // 2: matrices and tables of weights
  (rules, term) => {
    if (term.kind === "lookup" && unknown(term.operand) && unknown(term)) return vector(rules, term, term.span);
    if (term.kind !== "binary" || term.op !== "product" || !unknown(term.left) || !isWeightLike(term.left)) return false;
    const right = dimsOf(term.right.shape);
    return right?.length === 1 && matrix(rules, term.left, right[0], term.span);
  },
  (rules, term) => {
    if (term.kind !== "binary" || term.op !== "product" || !unknown(term.right) || !isWeightLike(term.right)) return false;
    const left = dimsOf(term.left.shape);
    if (!left || isWeightLike(term.left)) return false;
    settle(rules, term.right.shape, [left[left.length - 1], variable(rules.solver.fresh())], term.span);
    return true;
  },
  (rules, term) => {
    if (term.kind !== "binary" || term.op !== "product" || !unknown(term.left) || !unknown(term.right) || !isWeightLike(term)) return false;
    const own = dimsOf(term.shape);
    return own !== undefined && own.length > 0 && matrix(rules, term.right, own[own.length - 1], term.span);
  },
  // 3: what weights are applied to
  (rules, term) =>
    ((term.kind === "binary" &&
      term.op === "product" &&
      isWeightLike(term.left) &&
      unknown(term.right) &&
      !isWeightLike(term.right) &&
      vector(rules, term.right, term.span)) ||
      ((term.kind === "convolution" || term.kind === "blockwise") && unknown(term.operand) && spread(rules, term, term.operand))) === true,
  // 4: weights beside vectors
  (rules, term) =>
    sides(term).some(([side, other]) => {
      if (!isWeightLike(side) || !unknown(side) || !isVectorOrMore(other)) return false;
      // In a sum with a map a weight is a bias of its channels.
      if (!isMap(other) || term.kind !== "binary" || (term.op !== "add" && term.op !== "sub")) return become(rules, side, other, term.span);
      settle(rules, side.shape, dimsOf(other.shape)!.slice(0, 1), term.span);
      return true;
    }),
  // 5: weights beside numbers that are computed
  (rules, term) =>
    term.kind === "binary" &&
    (term.op === "add" || term.op === "sub") &&
    sides(term).some(
      ([side, other]) =>
        isWeightLike(side) && unknown(side) && other.kind !== "number" && rankOf(other.shape) === 0 && become(rules, side, other, term.span),
    ),
  // 6: anything beside a vector
  (rules, term) =>
    sides(term).some(([side, other]) => !isPoison(side) && unknown(side) && isVectorOrMore(other) && become(rules, side, other, term.span)),
  // 6b: the parts of what is known to be a vector
  (rules, term) =>
    isVectorOrMore(term) && sides(term).some(([side, other]) => unknown(side) && unknown(other) && become(rules, side, term, term.span)),
  // functions of vectors
  (rules, term) =>
    term.kind === "call" &&
    ["reduce", "vector", "concat", "classes", "split", "diag"].includes(shapeRule(term)) &&
    term.args.some((arg) => !isPoison(arg) && unknown(arg) && !isWeightLike(arg) && vector(rules, arg, term.span)),
  (rules, term) =>
    term.kind === "concatenation" &&
    term.parts.some((part) => !isPoison(part) && unknown(part) && !isWeightLike(part) && vector(rules, part, term.span)),
  (rules, term) =>
    term.kind === "binary" &&
    term.op === "outer" &&
    [term.left, term.right].some((side) => !isPoison(side) && unknown(side) && vector(rules, side, term.span)),
];

/** What is tried after that. */
export const LATE: readonly Guess[] = [
  // 8: two values of which nothing is known
  (rules, term) => {
    if (term.kind !== "binary" || term.op !== "product") return false;
    for (const side of [term.right, term.left]) if (unknown(side) && !isPoison(side) && !isWeightLike(side)) return vector(rules, side, term.span);
    return false;
  },
  // weights whose place wants a vector
  (rules, term) =>
    (term.kind === "concatenation" && term.parts.some((part) => unknown(part) && !isPoison(part) && vector(rules, part, term.span))) ||
    (term.kind === "call" &&
      ["reduce", "vector", "concat"].includes(shapeRule(term)) &&
      term.args.some((arg) => unknown(arg) && !isPoison(arg) && vector(rules, arg, term.span))),
  // a factor beside a number is one
  (rules, term) =>
    term.kind === "binary" &&
    term.op === "hadamard" &&
    sides(term).some(([side, other]) => unknown(side) && !isPoison(side) && rankOf(other.shape) === 0 && become(rules, side, other, term.span)),
  // a numeral beside an unknown weight leaves it a number
  (rules, term) =>
    sides(term).some(
      ([side, other]) =>
        unknown(side) &&
        !isPoison(side) &&
        !isWeightLike(side) &&
        rankOf(other.shape) === 0 &&
        unknown(term) &&
        hasState(side) &&
        vector(rules, side, term.span),
    ),
];

function hasState(term: Draft): boolean {
  return term.kind === "value" && term.lag !== 0;
}

const shapeRule = (term: Draft & { kind: "call" }): string => FUNCTIONS[term.function].shape;

function become(rules: Rules, side: Draft, other: Draft, because: Span): true {
  settle(rules, side.shape, dimsOf(other.shape)!, because);
  return true;
}
