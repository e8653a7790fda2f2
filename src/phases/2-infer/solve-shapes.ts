/**
 * Solves all shapes of a network by unification over named sizes.
 *
 * In: the model with its equations. Out: every shape known (in place), or mistakes. What the equations leave open is settled by the conventions of
 * the language, in this order (the first that applies, then everything that follows from it):
 *
 *   1  an input that a matrix or kernel is applied to is a vector           5  in a sum with a number, a weight is a number
 *   2  a weight applied to a vector is a matrix; a table has rows           6  in a sum or product with a vector, the other side is one too
 *   3  what a matrix of weights is applied to is a vector                   7  any other input is a vector
 *   4  a weight in a sum or product with a vector is a vector               8  a product of two unknown values is one of vectors
 *
 * Sizes are never guessed, only ranks. A weight keeps its rank everywhere; its sizes are compared only at the end, so that a matrix used
 * on two different vectors is reported there and not where the confusion spreads to.
 */
import type { Span } from "../../support/source.ts";
import { termChildren, visitTerm } from "../../ir/network/equation.ts";
import { type Draft, dimsOf, find, type Model, type ValueSymbol, type WeightSymbol } from "./draft.ts";
import { FUNCTIONS } from "./functions.ts";
import { isPoison } from "./resolve.ts";
import { type Mistake, rankOf, type Rules, settle, unifyShapes } from "./shape-facts.ts";
import { isMap } from "./shape-kernels.ts";
import { advance } from "./shape-rules.ts";
import { type Dimension, type SizeSolver, soleUnknown, unifyDimensions, variable } from "./sizes.ts";

export interface WeightConflict {
  readonly symbol: WeightSymbol;
  readonly good: Draft;
  readonly bad: Draft;
  readonly goodShape: readonly Dimension[];
  readonly badShape: readonly Dimension[];
  /** The dimension in which they differ; undefined if they are of different kinds. */
  readonly axis: number | undefined;
}
export interface ShapeResult {
  readonly mistakes: readonly Mistake[];
  readonly conflicts: readonly WeightConflict[];
  readonly declared: readonly DeclaredConflict[];
}
export interface DeclaredConflict {
  readonly name: string;
  readonly declared: readonly Dimension[];
  readonly found: readonly Dimension[];
  readonly span: Span;
  readonly because?: Span;
}
export interface DeclaredShape {
  readonly shape: Draft["shape"];
  readonly dims: readonly Dimension[];
  readonly span: Span;
  readonly name: string;
}

export function solveShapes(model: Model, solver: SizeSolver, declarations: readonly DeclaredShape[]): ShapeResult {
  const rules: Rules = { model, solver, mistakes: [], progress: 0 };
  const declared: DeclaredConflict[] = [];
  for (const { shape, dims, span, name } of declarations) {
    const root = find(shape);
    if (root.dims && agree(root.dims, dims)) continue;
    if (root.dims) declared.push({ name, declared: dims, found: root.dims, span, because: root.because });
    else settle(rules, shape, dims, span);
  }
  const roots = [...model.values.values()].flatMap((symbol) => (symbol.equation ? [symbol.equation.value] : []));
  const initials = [...model.values.values()].flatMap((symbol) => [...symbol.initial.values()].map((initial) => initial.value));
  const weights = [...model.weights.values()];
  noteContexts(model, [...roots, ...initials]);
  noteTypes(model, roots);
  for (const weight of weights) {
    if (weight.uses.length === 1 || dimsOf(weight.shape))
      for (const use of weight.uses) unifyShapes(rules, weight.shape, use.term.shape, weight.span, () => {});
  }
  for (const symbol of model.inputs.values()) if (symbol.type === "index") settleIndexInput(rules, symbol.shape, symbol.span);
  const link = (symbol: ValueSymbol): void => {
    const { value, span } = symbol.equation!;
    unifyShapes(rules, symbol.shape, value.shape, span, (a, b) => {
      declared.push({ name: symbol.name, declared: a, found: b, span: symbol.declared ?? symbol.span, because: value.span });
    });
  };
  const equated = [...model.values.values()].filter((symbol) => symbol.equation);
  for (const symbol of equated) if (!symbol.declared) link(symbol);
  let pending = [...roots, ...initials].flatMap((root) => partsInsideOut(root));
  const settleAll = (): void => {
    for (let before = -1; before !== rules.progress; ) {
      before = rules.progress;
      pending = pending.filter((term) => !advance(rules, term));
      shareRanks(rules, weights);
      linkInitials(rules, model);
    }
  };
  settleAll();
  // What equations say by themselves is known now; a declaration decides what they leave open.
  for (const symbol of equated) if (symbol.declared) link(symbol);
  settleAll();
  while (guess(rules, model, pending)) settleAll();
  markExternal(model);
  const conflicts = compareUses(rules, weights);
  return { mistakes: rules.mistakes, conflicts, declared };
}

/** True if two declarations of one shape say the same, the sizes of a called block being its caller's. */
function agree(known: readonly Dimension[], dims: readonly Dimension[]): boolean {
  return known.length === dims.length && known.every((size, k) => unifyDimensions(size, dims[k]));
}

function settleIndexInput(rules: Rules, shape: Draft["shape"], span: Span): void {
  if (!dimsOf(shape)) settle(rules, shape, [], span);
}

function partsInsideOut(term: Draft): Draft[] {
  return [...termChildren(term).flatMap(partsInsideOut), term];
}

function linkInitials(rules: Rules, model: Model): void {
  for (const symbol of model.values.values()) {
    for (const { value } of symbol.initial.values()) {
      if (rankOf(value.shape) === 0 && value.kind !== "input") continue;
      const a = find(symbol.shape);
      if (a === find(value.shape) || (a.dims && dimsOf(value.shape))) {
        unifyShapes(rules, symbol.shape, value.shape, value.span, () => {
          rules.mistakes.push({ kind: "ranks", term: value, a: { ...value, shape: symbol.shape } as Draft, b: value });
        });
        continue;
      }
      if (a.dims || dimsOf(value.shape)) unifyShapes(rules, symbol.shape, value.shape, value.span, () => {});
    }
  }
}

/** The smallest part of the text around each use of a weight. */
function noteContexts(model: Model, roots: readonly Draft[]): void {
  const contexts = new Map<Draft, Draft>();
  const walk = (term: Draft, parent: Draft | undefined): void => {
    if (parent)
      contexts.set(
        term,
        parent.kind === "component" || (parent.kind === "unary" && contexts.has(parent)) ? (contexts.get(parent) ?? parent) : parent,
      );
    for (const child of termChildren(term)) walk(child, term);
  };
  for (const root of roots) walk(root, undefined);
  for (const weight of model.weights.values()) for (const use of weight.uses) use.context = contexts.get(use.term);
}

/** Inputs of whole numbers: what chooses rows, and the targets of a classification that nothing else uses. */
function noteTypes(model: Model, roots: readonly Draft[]): void {
  for (const root of roots) {
    visitTerm(root, (term) => {
      if (term.kind !== "call" || term.function !== "cross_entropy" || term.args.length < 2) return;
      const [, target] = term.args;
      const symbol = target.kind === "input" ? model.inputs.get(target.name) : undefined;
      if (!symbol || symbol.type !== undefined || dimsOf(symbol.shape)) return;
      symbol.type = "index";
      symbol.indexUse ??= term.span;
    });
  }
}

function shareRanks(rules: Rules, weights: readonly WeightSymbol[]): void {
  for (const weight of weights) {
    if (weight.uses.length < 2) continue;
    const rank = weight.uses.map((use) => rankOf(use.term.shape)).find((r) => r !== undefined);
    if (rank === undefined) continue;
    const first = weight.uses.find((use) => rankOf(use.term.shape) !== undefined)!;
    for (const use of weight.uses) {
      if (rankOf(use.term.shape) !== undefined) continue;
      const dims = Array.from({ length: rank }, () => variable(rules.solver.fresh()));
      settle(rules, use.term.shape, dims, (first.context ?? first.term).span);
    }
  }
}

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

type Guess = (rules: Rules, term: Draft) => boolean;

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

const GUESSES: readonly Guess[] = [
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

const LATE: readonly Guess[] = [
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

/** Applies the first convention that applies anywhere; false if none does. */
function guess(rules: Rules, model: Model, pending: readonly Draft[]): boolean {
  for (const rule of GUESSES) for (const term of pending) if (rule(rules, term)) return true;
  for (const symbol of model.inputs.values()) {
    if (symbol.used && !dimsOf(symbol.shape)) {
      const size = rules.solver.fresh();
      size.given = true;
      settle(rules, symbol.shape, [variable(size)], symbol.span);
      return true;
    }
  }
  for (const rule of LATE) for (const term of pending) if (rule(rules, term)) return true;
  // A state of which nothing else is known is a vector.
  for (const symbol of model.values.values()) {
    if (symbol.lags.size > 0 && !dimsOf(symbol.shape)) {
      settle(rules, symbol.shape, [variable(rules.solver.fresh())], [...symbol.lags.values()][0]);
      return true;
    }
  }
  return false;
}

/** Makes all uses of a weight one; a use that would force the features of an input to be a hidden size is a mistake. */
function compareUses(rules: Rules, weights: readonly WeightSymbol[]): WeightConflict[] {
  const conflicts: WeightConflict[] = [];
  for (const weight of weights) {
    const [first] = weight.uses;
    if (!dimsOf(weight.shape) && first) unifyShapes(rules, weight.shape, first.term.shape, first.term.span, () => {});
    const known = weight.uses.filter((use) => dimsOf(use.term.shape));
    if (known.length < 2) continue;
    const rank = rankOf(known[0].term.shape)!;
    const other = known.find((use) => rankOf(use.term.shape) !== rank);
    if (other) {
      const [good, bad] = [known[0], other];
      conflicts.push({
        symbol: weight,
        good: good.context ?? good.term,
        bad: bad.context ?? bad.term,
        goodShape: dimsOf(good.term.shape)!,
        badShape: dimsOf(bad.term.shape)!,
        axis: undefined,
      });
      continue;
    }
    for (let axis = 0; axis < rank; axis++) {
      const outside = known.filter((use) => isExternal(dimsOf(use.term.shape)![axis]));
      const inside = known.filter((use) => !outside.includes(use));
      const mixed =
        outside.length > 0 &&
        inside.some((use) =>
          isHidden(
            dimsOf(use.term.shape)![axis],
            outside.map((o) => dimsOf(o.term.shape)![axis]),
          ),
        );
      const [good, bad] = mixed ? (inside.length >= outside.length ? [inside, outside] : [outside, inside]) : [known, []];
      const mark = (g: (typeof known)[number], b: (typeof known)[number]): void => {
        conflicts.push({
          symbol: weight,
          good: g.context ?? g.term,
          bad: b.context ?? b.term,
          goodShape: dimsOf(g.term.shape)!,
          badShape: dimsOf(b.term.shape)!,
          axis,
        });
      };
      for (const use of good.slice(1)) if (!unifyDimensions(dimsOf(good[0].term.shape)![axis], dimsOf(use.term.shape)![axis])) mark(good[0], use);
      for (const use of bad) mark(good[0], use);
      if (bad.length > 0) break;
    }
  }
  return conflicts;
}

/** Sizes that the data fix: the features of the inputs given at every step. */
function markExternal(model: Model): void {
  for (const symbol of model.inputs.values()) {
    if (!symbol.perStep || symbol.type === "index") continue;
    for (const size of dimsOf(symbol.shape) ?? []) {
      const unknown = soleUnknown(size);
      if (unknown && !unknown.author) unknown.external = true;
    }
  }
}

const isExternal = (size: Dimension): boolean => soleUnknown(size)?.external === true;

/** True if the size is one of its own, not yet the same as any of the others and not merely open. */
function isHidden(size: Dimension, others: readonly Dimension[]): boolean {
  const own = soleUnknown(size);
  return own !== undefined && !others.some((other) => soleUnknown(other) === own);
}
