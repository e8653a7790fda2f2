/**
 * Resolved equations: the author's expressions once every name means something and every part has a shape. Nouns, children and freezing.
 *
 * In: nothing. Out: the plain-data `Term` tree that phase 2 infers, explains and builds tensor graphs from. The tree mirrors the syntax
 * (so that it prints as the author wrote it) with full paths for names (`h1.Wxi`) and one shape per node. `TermOf<S>` is the same tree
 * with another kind of shape: phase 2 solves it with unknowns in the place of sizes.
 * Shapes are per time step and example, as in the language: [] is a number, [H] a vector, [H, D] a matrix.
 */
import type { Span } from "../../support/source.ts";
import type { Size } from "./node.ts";
import type { BinaryOperator } from "../syntax/node.ts";

/** One definition with its meaning. */
export interface EquationOf<S> {
  /** Path: "i", "h1.i". */
  readonly name: string;
  /** Declared indices of the left side (`q[n]`, `a[n, s]`), as paths into Network.indices, in order. */
  readonly indices: readonly string[];
  readonly value: TermOf<S>;
  /** Shape without the indices. */
  readonly shape: S;
  /** What the author wrote, where the term says less: "h1 = lstm(e)". */
  readonly text?: string;
  readonly span: Span;
}
export type Equation = EquationOf<readonly Size[]>;
export type Term = TermOf<readonly Size[]>;

export type TermOf<S> = { readonly span: Span; readonly shape: S } & TermKind<S>;

type TermKind<S> =
  | { readonly kind: "number"; readonly value: number }
  /** A size used as a number: `√K`. */
  | { readonly kind: "size"; readonly size: Size; readonly name: string }
  /** A counting index used as a number. */
  | { readonly kind: "counter"; readonly index: string }
  /** `x`, `x[t-1]` (lag 1), `x[t+1]` (lag -1); lag 0 for an input given once. */
  | { readonly kind: "input"; readonly name: string; readonly lag: number }
  | { readonly kind: "weight"; readonly name: string }
  /** A definition at t - lag, its declared indices replaced by `indices`. */
  | { readonly kind: "value"; readonly name: string; readonly lag: number; readonly indices: readonly string[] }
  /** `k[s]`: the operand read at time s instead of t. */
  | { readonly kind: "moment"; readonly operand: TermOf<S>; readonly index: string }
  /** `p[e]`, `Wq[n]`: the first dimension becomes the counting index. */
  | { readonly kind: "component"; readonly operand: TermOf<S>; readonly index: string }
  /** `o` of a definition `o[n]`: all its values together, the counting indices as the first dimensions. */
  | { readonly kind: "collection"; readonly operand: TermOf<S>; readonly indices: readonly string[] }
  /** `p[2]`: one component, counted from 1. */
  | { readonly kind: "element"; readonly operand: TermOf<S>; readonly position: number }
  /** `E[token]`: a row of a table. */
  | { readonly kind: "lookup"; readonly operand: TermOf<S>; readonly index: TermOf<S> }
  | { readonly kind: "unary"; readonly op: "neg" | "transpose"; readonly operand: TermOf<S> }
  | { readonly kind: "binary"; readonly op: Exclude<BinaryOperator, "convolve">; readonly left: TermOf<S>; readonly right: TermOf<S> }
  /** `W ∗ x`; over time `taps[j]` is multiplied with x at t - offset - dilation·j, over space see `SpaceTaps`. */
  | { readonly kind: "convolution"; readonly kernel: TermOf<S>; readonly operand: TermOf<S>; readonly taps: Taps }
  /** `W·x` with a block-diagonal W, kept as its blocks [N, out/N, in/N]: each block works on its own part of x. */
  | { readonly kind: "blockwise"; readonly kernel: TermOf<S>; readonly operand: TermOf<S> }
  /** A function of the language; numbers that configure it are `options`, those that differ from their defaults (and the ones before) are `written`. */
  | {
      readonly kind: "call";
      readonly function: string;
      readonly args: readonly TermOf<S>[];
      readonly options: Readonly<Record<string, number>>;
      readonly written: readonly number[];
    }
  /** `Σ_s e` and its kin; `after` is the time index that bounds this one from below: Σ over r of s < r ≤ t. */
  | {
      readonly kind: "reduction";
      readonly op: "sum" | "max" | "mean" | "softmax";
      readonly index: string;
      readonly after?: string;
      readonly body: TermOf<S>;
    }
  | { readonly kind: "absolute"; readonly operand: TermOf<S> }
  | { readonly kind: "concatenation"; readonly parts: readonly TermOf<S>[] };

export interface Taps {
  readonly count: number;
  readonly dilation: number;
  /** 0 for causal; negative to centre the kernel (`same`). */
  readonly offset: number;
  /** One number per channel and tap instead of a matrix per tap. */
  readonly depthwise: boolean;
  /** A convolution over the space axes of a map instead of time; `count` is then 1. */
  readonly space?: readonly SpaceTaps[];
}

/** One space axis of a kernel: `taps[j]` is multiplied with the map at stride·i - padding + dilation·j (a cross-correlation), 0 outside of it. */
export interface SpaceTaps {
  readonly count: number;
  readonly dilation: number;
  readonly stride: number;
  /** Zeros before the first position and after the last one. */
  readonly padding: readonly [before: number, after: number];
}

/** The parts of a term, in order. */
export function termChildren<S>(term: TermOf<S>): readonly TermOf<S>[] {
  switch (term.kind) {
    case "number":
    case "size":
    case "counter":
    case "input":
    case "weight":
    case "value":
      return [];
    case "moment":
    case "component":
    case "collection":
    case "element":
    case "unary":
    case "absolute":
      return [term.operand];
    case "lookup":
      return [term.operand, term.index];
    case "binary":
      return [term.left, term.right];
    case "convolution":
    case "blockwise":
      return [term.kernel, term.operand];
    case "call":
      return term.args;
    case "reduction":
      return [term.body];
    case "concatenation":
      return term.parts;
  }
}

/** The same term with other parts (as many as before) and, if given, with every shape mapped. */
export function withChildren<S>(term: TermOf<S>, children: readonly TermOf<S>[]): TermOf<S> {
  switch (term.kind) {
    case "number":
    case "size":
    case "counter":
    case "input":
    case "weight":
    case "value":
      return term;
    case "moment":
    case "component":
    case "collection":
    case "element":
    case "unary":
    case "absolute":
      return { ...term, operand: children[0] };
    case "lookup":
      return { ...term, operand: children[0], index: children[1] };
    case "binary":
      return { ...term, left: children[0], right: children[1] };
    case "convolution":
    case "blockwise":
      return { ...term, kernel: children[0], operand: children[1] };
    case "call":
      return { ...term, args: children };
    case "reduction":
      return { ...term, body: children[0] };
    case "concatenation":
      return { ...term, parts: children };
  }
}

/** The same term with every shape replaced. */
export function mapShapes<S, R>(term: TermOf<S>, shape: (shape: S, term: TermOf<S>) => R): TermOf<R> {
  const children = termChildren(term).map((child) => mapShapes(child, shape));
  return withChildren({ ...term, shape: shape(term.shape, term) } as unknown as TermOf<R>, children);
}

/** Visits a term and all its parts, outside in. */
export function visitTerm<S>(term: TermOf<S>, visit: (term: TermOf<S>) => void): void {
  visit(term);
  for (const child of termChildren(term)) visitTerm(child, visit);
}
