/**
 * The network while it is being inferred: symbols, unknown shapes, draft terms.
 *
 * In: nothing. Out: the shared nouns of this phase. Symbols have identity and are filled in step by step (resolve, shapes, order);
 * nothing here leaves the phase: freeze.ts turns them into plain data.
 */
import type { Span } from "../../support/source.ts";
import type { Diagnostic, Edit, Reason } from "../../support/diagnostic.ts";
import type { EquationOf, SpaceTaps, TermOf } from "../../ir/network/equation.ts";
import type { Expression } from "../../ir/syntax/node.ts";
import type { Dimension } from "./sizes.ts";

/** A shape that may be unknown, or the same as another. */
export interface Shape {
  link?: Shape;
  dims?: readonly Dimension[];
  /** The part of the text that decided it. */
  because?: Span;
  /** While it is unknown: who wants to be told (shape-facts.ts). */
  readers?: number[];
}
export type Draft = TermOf<Shape>;

export const unknownShape = (): Shape => ({});
export const knownShape = (...dims: Dimension[]): Shape => ({ dims });

/** The representative of a shape. */
export function find(shape: Shape): Shape {
  let root = shape;
  while (root.link) root = root.link;
  while (shape.link) {
    const next: Shape = shape.link;
    shape.link = root === shape ? undefined : root;
    shape = next;
  }
  return root;
}
export const dimsOf = (shape: Shape): readonly Dimension[] | undefined => find(shape).dims;

export interface InputSymbol {
  readonly kind: "input";
  readonly name: string;
  readonly span: Span;
  readonly shape: Shape;
  type: "real" | "index" | undefined;
  /** First use as an integer, for messages. */
  indexUse?: Span;
  realUse?: Span;
  vocabulary?: Dimension;
  perStep: boolean;
  perExample: boolean;
  lookAhead: number;
  used: boolean;
}

export interface WeightSymbol {
  readonly kind: "weight";
  readonly name: string;
  readonly span: Span;
  /** Rank is shared by all uses, sizes are compared at the end. */
  readonly shape: Shape;
  readonly uses: WeightUse[];
  distribution?: { readonly value: Expression; readonly scope: string };
  declared?: Span;
  kernel?: {
    readonly count: number;
    readonly dilation: number;
    readonly same: boolean;
    readonly depthwise: boolean;
    /** Over the space axes of a map, not over time. */
    readonly space?: readonly SpaceTaps[];
  };
  /** Number of blocks of a block-diagonal matrix, whose shape is [blocks, out, in]. */
  blocks?: Dimension;
  /** Set for a weight that only begins a state. */
  initialOf?: string;
}
export interface WeightUse {
  readonly term: Draft;
  /** The smallest part that shows the use: `Whi·h[t-1]`. */
  context?: Draft;
}

export interface ValueSymbol {
  readonly kind: "value";
  readonly name: string;
  readonly span: Span;
  readonly shape: Shape;
  readonly indices: readonly string[];
  equation?: EquationOf<Shape>;
  /** Defined through its logarithm: name of the value that holds it. */
  logarithm?: string;
  declared?: Span;
  used: boolean;
  /** Lags at which it is read (not 0), with the span of one such read. */
  readonly lags: Map<number, Span>;
  readonly initial: Map<number, { readonly value: Draft; readonly span: Span }>;
  /** True for what its block returns. */
  output: boolean;
  /** Not shown in unused warnings: made by the compiler. */
  generated: boolean;
}

export interface IndexSymbol {
  readonly kind: "index";
  readonly name: string;
  readonly span: Span;
  readonly type: "count" | "time";
  readonly from: number;
  readonly size?: Dimension;
  readonly lower?: number;
  readonly upper?: number;
  readonly window?: Dimension;
  /** Only positions after that of another time index: `s < r`. */
  readonly after?: string;
}

/** Everything known about the network so far, by path. */
export interface Model {
  readonly inputs: Map<string, InputSymbol>;
  readonly weights: Map<string, WeightSymbol>;
  readonly values: Map<string, ValueSymbol>;
  readonly indices: Map<string, IndexSymbol>;
  readonly gates: Map<string, Span>;
  outputs: string[];
  name: string;
  documentation: readonly string[];
}

/** Where mistakes go: one for a place and code, warnings dropped from library blocks. */
export interface Reporter {
  error(code: string, span: Span, message: string, more?: { label?: string; reasons?: readonly Reason[]; edit?: Edit }): void;
  warning(code: string, span: Span, message: string, more?: { label?: string; reasons?: readonly Reason[]; edit?: Edit }): void;
  /** The author's text of a span on one line, shortened. */
  quote(span: Span): string;
  line(span: Span): number;
  readonly failed: boolean;
  readonly diagnostics: readonly Diagnostic[];
}
