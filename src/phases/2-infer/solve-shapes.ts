/**
 * Solves all shapes of a network by unification over named sizes.
 *
 * In: the model with its equations. Out: every shape known (in place), or mistakes. What follows from the equations is settled first; what they leave open by
 * the conventions of the language (guesses.ts), one at a time, each with everything that follows from it. Terms are looked at again only when a shape of
 * theirs has become known, so the work grows with the text.
 *
 * Sizes are never guessed, only ranks. A weight keeps its rank everywhere; its sizes are compared only at the end, so that a matrix used
 * on two different vectors is reported there and not where the confusion spreads to.
 */
import type { Span } from "../../support/source.ts";
import { termChildren, visitTerm } from "../../ir/network/equation.ts";
import { type Draft, dimsOf, find, type Model, type ValueSymbol, type WeightSymbol } from "./draft.ts";
import { GUESSES, LATE } from "./guesses.ts";
import { type Mistake, rankOf, type Rules, settle, unifyShapes, watch } from "./shape-facts.ts";
import { advance } from "./shape-rules.ts";
import { type Dimension, type SizeSolver, soleUnknown, unifyDimensions, variable } from "./sizes.ts";
import { type Worklist, worklist } from "./worklist.ts";

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
  const rules: Rules = { model, solver, mistakes: [], known: () => {} };
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
  const settling = settleInOrder(
    rules,
    [...roots, ...initials].flatMap((root) => partsInsideOut(root)),
    weights,
  );
  settling.settleAll();
  // What equations say by themselves is known now; a declaration decides what they leave open.
  for (const symbol of equated) if (symbol.declared) link(symbol);
  settling.settleAll();
  while (settling.guess()) settling.settleAll();
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

/**
 * Terms, then weights, then values in rounds, each in its order: what becomes known is told at once to those that come later in the round, to the others in the
 * next one.
 */
function settleInOrder(rules: Rules, terms: readonly Draft[], weights: readonly WeightSymbol[]): { settleAll(): void; guess(): boolean } {
  const { model } = rules;
  const values = [...model.values.values()];
  const inputs = [...model.inputs.values()];
  const [firstWeight, firstValue] = [terms.length, terms.length + weights.length];
  const done = terms.map(() => false);
  let now = worklist();
  let later = worklist();
  let current = -1;
  const candidates = [...GUESSES, ...LATE].map(() => worklist());
  for (const [i, term] of terms.entries()) for (const shape of [term.shape, ...termChildren(term).map((part) => part.shape)]) watch(shape, i);
  for (const [i, weight] of weights.entries()) for (const use of weight.uses) watch(use.term.shape, firstWeight + i);
  for (const [i, symbol] of values.entries())
    for (const shape of [symbol.shape, ...[...symbol.initial.values()].map(({ value }) => value.shape)]) watch(shape, firstValue + i);
  for (let i = 0; i < firstValue + values.length; i++) now.add(i);
  for (const list of candidates) for (let i = 0; i < terms.length; i++) list.add(i);
  rules.known = (readers) => {
    for (const reader of readers) {
      if (reader < firstWeight) {
        if (done[reader]) continue;
        for (const list of candidates) list.add(reader);
      }
      (reader > current ? now : later).add(reader);
    }
  };
  /** The first term, in their order, that a convention applies to; those that it does not apply to wait until they change. */
  const applies = (list: Worklist, rule: (rules: Rules, term: Draft) => boolean): boolean => {
    for (let i = list.take(); i !== undefined; i = list.take()) if (!done[i] && rule(rules, terms[i])) return true;
    return false;
  };
  // What is known stays known: inputs and values are gone through once.
  let [nextInput, nextValue] = [0, 0];
  return {
    settleAll() {
      for (;;) {
        for (let i = now.take(); i !== undefined; i = now.take()) {
          current = i;
          if (i >= firstValue) linkInitials(rules, values[i - firstValue]);
          else if (i >= firstWeight) shareRank(rules, weights[i - firstWeight]);
          else if (!done[i]) done[i] = advance(rules, terms[i]);
        }
        current = -1;
        if (later.size() === 0) return;
        [now, later] = [later, now];
      }
    },
    guess() {
      for (const [k, rule] of GUESSES.entries()) if (applies(candidates[k], rule)) return true;
      for (; nextInput < inputs.length; nextInput++) {
        const symbol = inputs[nextInput];
        if (!symbol.used || dimsOf(symbol.shape)) continue;
        const size = rules.solver.fresh();
        size.given = true;
        settle(rules, symbol.shape, [variable(size)], symbol.span);
        return true;
      }
      for (const [k, rule] of LATE.entries()) if (applies(candidates[GUESSES.length + k], rule)) return true;
      // A state of which nothing else is known is a vector.
      for (; nextValue < values.length; nextValue++) {
        const symbol = values[nextValue];
        if (symbol.lags.size === 0 || dimsOf(symbol.shape)) continue;
        settle(rules, symbol.shape, [variable(rules.solver.fresh())], [...symbol.lags.values()][0]);
        return true;
      }
      return false;
    },
  };
}

function linkInitials(rules: Rules, symbol: ValueSymbol): void {
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

/** All uses of a weight have one rank. */
function shareRank(rules: Rules, weight: WeightSymbol): void {
  if (weight.uses.length < 2) return;
  const first = weight.uses.find((use) => rankOf(use.term.shape) !== undefined);
  if (!first) return;
  const rank = rankOf(first.term.shape)!;
  for (const use of weight.uses) {
    if (rankOf(use.term.shape) !== undefined) continue;
    const dims = Array.from({ length: rank }, () => variable(rules.solver.fresh()));
    settle(rules, use.term.shape, dims, (first.context ?? first.term).span);
  }
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
