/**
 * What rules and conventions about shapes have in common: the state of the solver, mistakes, and how two shapes become one.
 *
 * In: shapes, known, partly known or unknown. Out: the same, known better (in place). A contradiction is recorded as a mistake of a term.
 */
import type { Span } from "../../support/source.ts";
import { type Draft, dimsOf, find, type Model, type Shape } from "./draft.ts";
import { type Dimension, type SizeSolver, unifyDimensions, variable } from "./sizes.ts";

/** What went wrong in a term; worded later, when sizes have names. */
export type Mistake =
  | {
      readonly kind: "unequal";
      readonly term: Draft;
      readonly a: Draft;
      readonly b: Draft;
      readonly aSize: Dimension;
      readonly bSize: Dimension;
      readonly how: Axis;
    }
  | { readonly kind: "ranks"; readonly term: Draft; readonly a: Draft; readonly b: Draft }
  | { readonly kind: "operand"; readonly term: Draft; readonly a: Draft; readonly wanted: string }
  | { readonly kind: "scalarProduct"; readonly term: Draft; readonly number: Draft }
  | { readonly kind: "range"; readonly term: Draft; readonly a: Draft; readonly aSize: Dimension; readonly bSize: Dimension; readonly index: string };
export type Axis = "components" | "columns and rows" | "rows" | "columns";

export interface Rules {
  readonly model: Model;
  readonly solver: SizeSolver;
  readonly mistakes: Mistake[];
  /** Is told who reads a shape that has become known. */
  known: (readers: readonly number[]) => void;
}

export const rankOf = (shape: Shape): number | undefined => dimsOf(shape)?.length;

/** Makes a shape known. */
export function settle(rules: Rules, shape: Shape, dims: readonly Dimension[], because: Span): void {
  const root = find(shape);
  root.dims = dims;
  root.because = because;
  tell(rules, root);
}

/** Notes a reader that wants to be told when the shape becomes known. */
export function watch(shape: Shape, reader: number): void {
  const root = find(shape);
  if (!root.dims) (root.readers ??= []).push(reader);
}

function tell(rules: Rules, root: Shape): void {
  const { readers } = root;
  root.readers = undefined;
  if (readers) rules.known(readers);
}

/** Makes two shapes one; a contradiction is a mistake between terms `a` and `b`. */
export function unify(rules: Rules, term: Draft, a: Draft, b: Draft, how: Axis = "components"): boolean {
  return unifyShapes(rules, a.shape, b.shape, term.span, (aDims, bDims, at) => {
    if (at === undefined) rules.mistakes.push({ kind: "ranks", term, a, b });
    else
      rules.mistakes.push({
        kind: "unequal",
        term,
        a,
        b,
        aSize: aDims[at],
        bSize: bDims[at],
        how: aDims.length === 2 ? (at === 0 ? "rows" : "columns") : how,
      });
  });
}

export function unifyShapes(
  rules: Rules,
  left: Shape,
  right: Shape,
  because: Span,
  fail: (a: readonly Dimension[], b: readonly Dimension[], at: number | undefined) => void,
): boolean {
  const a = find(left);
  const b = find(right);
  if (a === b) return true;
  if (a.dims && b.dims) {
    if (a.dims.length !== b.dims.length) {
      fail(a.dims, b.dims, undefined);
      return false;
    }
    for (const [k, size] of a.dims.entries()) {
      if (!unifyDimensions(size, b.dims[k])) {
        fail(a.dims, b.dims, k);
        return false;
      }
    }
    return true;
  }
  const [root, other] = a.dims ? [a, b] : [b, a];
  other.link = root;
  if (root.dims) {
    root.because ??= because;
    tell(rules, other);
    tell(rules, root);
  } else if (other.readers) {
    // The longer list takes up the shorter one.
    const [more, less] = (root.readers?.length ?? 0) >= other.readers.length ? [root.readers!, other.readers] : [other.readers, root.readers ?? []];
    for (const reader of less) more.push(reader);
    root.readers = more;
    other.readers = undefined;
  }
  return true;
}

export const fresh = (rules: Rules): Dimension => variable(rules.solver.fresh());

export function fault(rules: Rules, mistake: Mistake): true {
  rules.mistakes.push(mistake);
  return true;
}

/** Gives a term these dimensions, or compares if it has some. */
export function settleOr(rules: Rules, term: Draft, part: Draft, dims: readonly Dimension[]): boolean {
  if (!dimsOf(part.shape)) {
    settle(rules, part.shape, dims, term.span);
    return true;
  }
  const stand: Draft = { ...term, shape: { dims } } as Draft;
  return unify(rules, term, part, stand);
}
