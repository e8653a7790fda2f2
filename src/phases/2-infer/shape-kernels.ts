/**
 * Shapes of convolutions, over time and over the space axes of a map, and of block-diagonal matrices.
 *
 * In: a term and the state of the solver. Out: what follows from its parts, at once; true if the term has nothing more to say.
 */
import { type SpaceTaps, termChildren } from "../../ir/network/equation.ts";
import { type Draft, dimsOf } from "./draft.ts";
import { fault, fresh, rankOf, type Rules, settleOr } from "./shape-facts.ts";
import { addDimensions, constant, type Dimension, multiplyDimensions, normalize } from "./sizes.ts";

/** A map: channels and space axes. With one space axis it is known by the convolution that it comes from. */
export function isMap(term: Draft): boolean {
  const rank = rankOf(term.shape);
  if (rank !== 2) return rank !== undefined && rank > 2;
  if (term.kind === "convolution") return term.taps.space !== undefined;
  return (term.kind === "binary" || term.kind === "unary" || term.kind === "call") && termChildren(term).some(isMap);
}

export function convolved(rules: Rules, term: Draft & { kind: "convolution" }): boolean {
  const x = dimsOf(term.operand.shape);
  if (!x) return false;
  if (term.taps.space) return convolvedOverSpace(rules, term, term.taps.space, x);
  if (x.length !== 1) return fault(rules, { kind: "operand", term, a: term.operand, wanted: "a vector" });
  const taps = constant(term.taps.count);
  if (term.taps.depthwise) {
    settleOr(rules, term, term.kernel, [taps, x[0]]);
    return settleOr(rules, term, term, [x[0]]) || true;
  }
  const kernel = dimsOf(term.kernel.shape);
  const out = kernel?.[1] ?? dimsOf(term.shape)?.[0] ?? fresh(rules);
  settleOr(rules, term, term.kernel, [taps, out, x[0]]);
  return settleOr(rules, term, term, [out]) || true;
}

/** [taps…, O, C] over a map [C, Y, X] is a map [O, Y′, X′]. */
function convolvedOverSpace(rules: Rules, term: Draft & { kind: "convolution" }, space: readonly SpaceTaps[], x: readonly Dimension[]): boolean {
  if (x.length !== space.length + 1) return fault(rules, { kind: "operand", term, a: term.operand, wanted: mapOf(space.length) });
  const own = dimsOf(term.shape);
  if (own && own.length !== x.length) return fault(rules, { kind: "operand", term, a: term, wanted: mapOf(space.length) });
  const taps = space.map((axis) => constant(axis.count));
  const sizes = space.map((axis, k) => sizeAfter(axis, x[k + 1]) ?? own?.[k + 1] ?? fresh(rules));
  if (term.taps.depthwise) {
    settleOr(rules, term, term.kernel, [...taps, x[0]]);
    return settleOr(rules, term, term, [x[0], ...sizes]) || true;
  }
  const out = dimsOf(term.kernel.shape)?.[space.length] ?? own?.[0] ?? fresh(rules);
  settleOr(rules, term, term.kernel, [...taps, out, x[0]]);
  return settleOr(rules, term, term, [out, ...sizes]) || true;
}
const mapOf = (axes: number): string => `a map of channels and ${axes === 1 ? "one space axis" : `${axes} space axes`}`;

/** How many results a convolution gives along an axis, ⌊(n + p + p′ - d(k-1) - 1) / stride⌋ + 1; undefined where the rounding needs a number. */
function sizeAfter({ count, dilation, stride, padding: [before, after] }: SpaceTaps, size: Dimension): Dimension | undefined {
  const lost = dilation * (count - 1) - before - after;
  const places = addDimensions(normalize(size), constant(Math.abs(lost)), lost > 0 ? -1 : 1);
  if (stride === 1) return places;
  const isKnown = places.length === 1 && places[0].unknowns.length === 0;
  if (isKnown) return constant(Math.floor((places[0].coefficient - 1) / stride) + 1);
  return undefined;
}

/** [N, O, I] times a vector of N·I is a vector of N·O. */
export function blockwise(rules: Rules, term: Draft & { kind: "blockwise" }): boolean {
  const blocks = rules.model.weights.get((term.kernel as Draft & { kind: "weight" }).name)!.blocks!;
  const x = dimsOf(term.operand.shape);
  if (!x) return false;
  if (x.length !== 1) return fault(rules, { kind: "operand", term, a: term.operand, wanted: "a vector" });
  const kernel = dimsOf(term.kernel.shape) ?? [blocks, fresh(rules), fresh(rules)];
  settleOr(rules, term, term.kernel, kernel);
  if (kernel.length !== 3) return true;
  settleOr(rules, term, term.operand, [multiplyDimensions(kernel[0], kernel[2])]);
  return settleOr(rules, term, term, [multiplyDimensions(kernel[0], kernel[1])]) || true;
}
