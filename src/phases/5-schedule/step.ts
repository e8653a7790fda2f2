/**
 * Steps: what a program does, one after the other, before it has addresses. Made by plan.ts, turned into loops by lower.ts.
 *
 *   nest      a loop nest over a space of axes that computes a DAG of elementwise operations, stores some results and reduces others
 *   product   a matrix product C (+)= A·B with B packed in panels
 *   pack      fills the panels of a product whose B does not change inside a loop
 *   solve     a triangular system, by substitution
 *   scan      a loop over time around other steps
 *   strip     a loop over strips of time steps around steps that are parallel in time: what would need T × T memory at once
 */
import type { AxisName, AxisSize, ElementType, Op } from "../../ir/tensor/node.ts";
import type { Access, Place } from "./access.ts";
import type { Timed } from "./space.ts";

export type Step = NestStep | ProductStep | PackStep | SolveStep | ScanStep | StripStep;

export type Operand =
  | { readonly kind: "operation"; readonly index: number }
  | { readonly kind: "constant"; readonly value: number; readonly type: ElementType }
  | { readonly kind: "access"; readonly access: Access; readonly type: ElementType };

/** One elementwise operation of a nest; its index in `operations` names it. */
export interface Operation {
  /** An elementwise tensor op, "copy", or one of: iota, random (position in `attributes` order), gather, scatter, sum, max_over, argmax, contract. */
  readonly op: Op | "copy";
  readonly args: readonly Operand[];
  readonly type: ElementType;
  /** Where the value (or the reduction's result) is stored; absent if it only feeds operations of the same nest. */
  readonly stores: readonly Access[];
  /** Axes that a reduction sums away. */
  readonly over: readonly AxisName[];
  /** A reduction whose target holds what it begins with already. */
  readonly continues?: boolean;
  /** iota, random: stride of the position per axis. gather, scatter: stride of the looked-up axis under its name "index". */
  readonly position?: ReadonlyMap<AxisName, number>;
  readonly stream?: number;
}

export interface NestStep {
  readonly kind: "nest";
  readonly label: string;
  readonly axes: readonly { readonly name: AxisName; readonly size: AxisSize }[];
  readonly operations: readonly Operation[];
  /** Runs only where fewer time steps are in hand. */
  readonly ifShorterThan?: number;
}

/** Size of an axis of groups of time steps. */
export type Folded = Exclude<AxisSize, number | "T">;

/** Several axes that lie row-major in every access of a product, as one. */
export interface Dimension {
  readonly axes: readonly AxisName[];
  /** Elements: a number, or a factor of the steps in hand or of all steps. */
  readonly size: number;
  readonly timed: Timed;
}

export interface ProductStep {
  readonly kind: "product";
  readonly label: string;
  readonly m: Dimension;
  readonly n: Dimension;
  readonly k: Dimension;
  /** Loops around the product: batched axes and axes that do not merge. `reduces` marks those that are summed. */
  readonly outer: readonly { readonly axis: AxisName; readonly size: AxisSize; readonly reduces: boolean }[];
  readonly a: Access;
  readonly b: Access;
  /** Panels of B made by a pack step before; absent: B is packed piece by piece on the fly. */
  readonly panels?: Place;
  /** Terms that a panel of `panels` has room for. */
  readonly panelTerms?: number;
  /** Elements between the panels of consecutive outer indices. */
  readonly panelStrides?: ReadonlyMap<AxisName, number>;
  readonly c: Access;
  /** What C begins with; absent: 0. */
  readonly initial?: Access;
  /** C holds what it begins with already. */
  readonly accumulates: boolean;
  /** Elements of scratch between one thread's and the next one's. */
  readonly scratch?: number;
  /** Scratch for packed pieces of A and B. */
  readonly packedA?: Place;
  readonly packedB?: Place;
  /** Columns of a panel: 8 for tiles of rows, 16 for single rows. */
  readonly panelWidth: number;
  /** Rows of a full tile. */
  readonly tileRows: number;
  /** Vectors of a tile are stored two by two. */
  readonly wide: boolean;
  /** Size of its axis of groups of time steps, if it has one. */
  readonly folded?: Folded;
}

/** Size of an axis of what is packed: never groups of time steps. */
export type PackSize = Exclude<AxisSize, Folded>;

export interface PackStep {
  readonly kind: "pack";
  readonly label: string;
  readonly panels: Place;
  readonly panelWidth: number;
  /** Columns of B; absent if they grow with time. */
  readonly columns?: number;
  /** Terms that a panel has room for: the distance between panels. */
  readonly terms: number;
  /** Batched axes: one set of panels for each index. */
  readonly outer: readonly { readonly axis: AxisName; readonly size: PackSize; readonly stride: number }[];
  /** Parts of B: a concatenation is packed without being made. */
  readonly parts: readonly {
    readonly source: Access;
    readonly nAxes: readonly AxisName[];
    readonly kAxes: readonly AxisName[];
    readonly nSizes: readonly PackSize[];
    readonly kSizes: readonly PackSize[];
    /** Where the part begins along each axis. */
    readonly nStarts: readonly number[];
    readonly kStarts: readonly number[];
  }[];
  /** Sizes of B's own axes: a column's number counts through them row-major. */
  readonly nFull: readonly PackSize[];
  readonly kFull: readonly PackSize[];
}

/** x_i = r_i + Σ_{j<i} L[i, j]·x_j for all columns at once (j > i if reverse). */
export interface SolveStep {
  readonly kind: "solve";
  readonly label: string;
  /** Loops around it. */
  readonly outer: readonly { readonly axis: AxisName; readonly size: number }[];
  readonly rows: { readonly axis: AxisName; readonly size: number };
  /** The axis of L that is summed. */
  readonly summed: AxisName;
  /** Innermost in r and x. */
  readonly columns: { readonly axis: AxisName; readonly size: number };
  readonly l: Access;
  readonly r: Access;
  readonly x: Access;
  readonly reverse: boolean;
}

export interface ScanStep {
  readonly kind: "scan";
  readonly label: string;
  readonly reverse: boolean;
  readonly steps: readonly Step[];
}

export interface StripStep {
  readonly kind: "strip";
  readonly label: string;
  /** Time steps in hand at most. */
  readonly rows: number;
  /** True if nothing depends on a second time later than the first: the other time axis ends with the strip. */
  readonly causal: boolean;
  /** The last strip first. */
  readonly reverse?: boolean;
  readonly steps: readonly Step[];
}
