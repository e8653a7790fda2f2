/**
 * The tensor language: what a model means, as a graph of values over named axes. Nouns only.
 *
 * A value is an array over an ordered list of axes. Axes are named and unique in a graph: `t` (time), `b` (batch), `H`, and `H'` for a
 * second axis of the same size. Every op works by axis *name*, never by position, so broadcasting is the union of the names, an outer
 * product is a `mul` of two values with different axes, and a matrix product is a `contract` over the shared axis:
 *
 *     W·h    =  contract over H' of W[H, H'] and rename(h[b, H], H → H')      → [b, H]
 *     k ⊗ v  =  mul of k[b, K] and v[b, V]                                    → [b, K, V]
 *     q·k_s  =  contract over K of q[t, b, n, K] and rename(k, t → s)         → [t, b, n, s]
 *
 * The order of a node's axes is its memory layout (the last one is contiguous) once the value is stored; it has no other meaning.
 * Sizes are numbers except that of time, which is the run-time argument `T`, and what follows from it: one compiled program serves every length up to its capacity.
 *
 * Graphs are immutable plain data. `nodes` is in topological order and `node.args` are indices into it.
 * @see build.ts (makes graphs, checks every rule as it goes), verify.ts, print.ts, read.ts, interpret.ts (the meaning)
 */
import type { Span } from "../../support/source.ts";

/** Name of an axis, unique in its graph. `t` is time, `b` the batch; a second time axis is declared with size "T" (`s`). */
export type AxisName = string;
/** "T/4": as many as it takes to hold all time steps, four in each (see `fold`). */
export type AxisSize = number | "T" | `T/${number}`;

export interface Graph {
  /** Every axis that a node uses, with its size. A scan body has its own graph but shares the names and sizes of its parent. */
  readonly axes: ReadonlyMap<AxisName, AxisSize>;
  readonly nodes: readonly Node[];
  /** What the graph computes, by name, in a fixed order. */
  readonly outputs: readonly Output[];
}

export interface Output {
  readonly name: string;
  readonly node: number;
}

/** "real": float64 in the interpreter, float32 in kernels; truth values are real 0 and 1. "index": integers (tokens, counters, bits). */
export type ElementType = "real" | "index";

export interface Node {
  readonly op: Op;
  readonly args: readonly number[];
  readonly axes: readonly AxisName[];
  readonly type: ElementType;
  /** What the op needs beside its arguments; its shape is fixed by the op (see Attributes). */
  readonly attributes: Attributes;
  /** Name the author gave to this value ("i", "h1.c"), if any: what recording, clamping and messages use. */
  readonly name?: string;
  /** The equation this node came from. */
  readonly span?: Span;
}

export type Op = LeafOp | UnaryOp | BinaryOp | "select" | ReduceOp | StructureOp | ScanOp;

/**
 * input      attributes.name           a value given at each run (has `t` or not, `b` or not)
 * weight     attributes.name           a trained array; never has `t` or `b`
 * constant   attributes.value          a number; no axes (use `broadcast` to give it some)
 * iota       attributes.axis           index along one axis, 0-based; type index; axes [axis]. Inside a scan body iota over `t` is forbidden.
 * random     attributes.stream         args [seed] (index, no axes): uniform in [0, 1), a pure function of (seed, stream, position in
 *                                      `axes`), see `random.ts` for the exact bits
 * parameter  attributes.kind, .index   only in a scan body: slice of a sequence (its axes minus `t`), a static, or a state
 */
export type LeafOp = "input" | "weight" | "constant" | "iota" | "random" | "parameter";

/** Elementwise on reals. `log_sigmoid` is log σ, `step` is 1 for x > 0 else 0, `recip` is 1/x, `stop_gradient` is the identity with zero
 * derivative, `to_real` turns an index into a real. */
export type UnaryOp =
  | "neg"
  | "abs"
  | "sign"
  | "step"
  | "recip"
  | "sqrt"
  | "exp"
  | "expm1"
  | "log"
  | "log1p"
  | "sin"
  | "cos"
  | "erf"
  | "sigmoid"
  | "tanh"
  | "softplus"
  | "log_sigmoid"
  | "relu"
  | "stop_gradient"
  | "to_real";

/** Elementwise with broadcasting by axis name: result axes are those of the left, then the new ones of the right.
 * `less`, `less_equal`, `equal` give real 0/1 and also take two indices. add, sub, mul of two indices is an index. `pow` has a real exponent. */
export type BinaryOp = "add" | "sub" | "mul" | "div" | "max" | "min" | "pow" | "less" | "less_equal" | "equal";

// "select": args [condition, whenTrue, whenFalse]; chosen elementwise by condition ≠ 0; the other side's NaN never leaks, nor does its gradient.

/** `sum`, `max_over`: args [x]; `contract`: args [x, y], Σ x·y over attributes.over (each of these axes is in at least one operand;
 * axes in both operands that are not summed are kept once: a batched product). attributes.over: axis names.
 * `argmax`: args [x], attributes.over: one axis → index, the first of equals.
 * Result axes: those of x that stay, then the new ones of y. */
export type ReduceOp = "sum" | "max_over" | "contract" | "argmax";

/**
 * rename     attributes.from, .to       the same value with other axis names (pairs, in order); moves nothing
 * transpose  (axes: any permutation)    the same value with another memory order
 * broadcast  attributes.over            gains these axes in front (constant along them)
 * slice      attributes.axis, .to, .start   a range of an axis, as the axis `to` whose size says how many; moves nothing
 * pick       attributes.axis, .start    one position of an axis, which disappears; moves nothing
 * concat     attributes.parts, .axis    args joined along one axis each: args[i] has axis parts[i] in the place of `axis`
 * pad        attributes.axis, .to, .start   the adjoint of slice: zeros outside; axis → to
 * split      attributes.axis, .to       one axis as two or more (row-major), product of sizes equal; moves nothing
 * merge      attributes.axes, .to       the reverse of split
 * gather     attributes.axis            args [table, index]: table[index] along `axis`; axes: index axes, then table's without axis
 * scatter    attributes.axis, .over     args [values, index]: zeros plus values added at index along the new axis, summed over the axes `over` of
 *                                       the index; adjoint of gather; axes: those of the index that stay, then `axis`, then the rest of values
 * shift      attributes.lag             args [x, initial]: along t, result_t = x_{t-lag}; for the first |lag| steps (last, if lag < 0) it is
 *                                       `initial`, which has x's axes without t, or with axis `attributes.lags` of size |lag| if |lag| > 1
 *                                       (position 0 is the value at t = 0-lag+… in order of time). Never inside a scan body.
 * solve      attributes.axis, .to, .reverse   args [L, r]: the x with x_i = r_i + Σ_{j<i} L[i, j]·x_j along the axes i (`axis`) and j (`to`), j > i if reverse, by
 *                                       substitution; what L holds elsewhere counts for nothing; axes: those of r, to which L adds none but j
 * fold       attributes.axes = [k, p]   args [x]: t as an axis k of groups ("T/4") and an axis p of the steps in each (4): result[k, p] = x[4k + p], 0 past the end
 * unfold     attributes.axes = [k, p]   the adjoint of fold: k and p as t, without what lies past the end
 * last       attributes.reverse         args [x, lengths?]: the value of x at the last valid step (first step if reverse); lengths are at least 1
 */
export type StructureOp =
  | "rename"
  | "transpose"
  | "broadcast"
  | "slice"
  | "pick"
  | "concat"
  | "pad"
  | "split"
  | "merge"
  | "gather"
  | "scatter"
  | "shift"
  | "solve"
  | "fold"
  | "unfold"
  | "last";

/**
 * scan       attributes: ScanAttributes; args: sequences…, statics…, initial states…   A recurrence over t. Itself it has no value: `axes` is [].
 *                                       With `chunk`, each iteration takes several steps at once (see ScanAttributes).
 * emitted    attributes.index           args [scan]: the index-th emitted value of every step: [t, …]
 * final      attributes.index           args [scan]: the index-th state after the last iteration
 */
export type ScanOp = "scan" | "emitted" | "final";

export interface ScanAttributes {
  /** Iterates t = 0 … T-1, or T-1 … 0. */
  readonly reverse: boolean;
  /**
   * The axis of the body that stands for the time steps of one iteration, if that takes more than one: as many as its size. A sequence comes in with this axis in the
   * place of t, filled up with zeros past T; a parameter that is declared without it is the sequence's value at the first step of the chunk. What is emitted with it
   * has t instead; what is emitted without it holds for all steps of its chunk. A body must treat zeros as steps at which nothing happens: no state and
   * no other step's value may depend on whether they are there.
   */
  readonly chunk?: AxisName;
  readonly sequences: number;
  readonly statics: number;
  readonly states: number;
  /** Nodes: `parameter` leaves (kinds "sequence", "static", "state" with their index) and everything but scan, shift, fold, unfold, last, iota over t, input
   * and weight (which come in as sequences and statics).
   * Its outputs are the next value of each state ("next 0" …), then the emitted values ("emit 0" …). */
  readonly body: Graph;
  /** Names of the states as the author wrote them, for messages and for carrying them: "h", "c", "h1.c". */
  readonly stateNames: readonly string[];
}

export interface Attributes {
  readonly name?: string;
  readonly value?: number;
  readonly axis?: AxisName;
  readonly to?: AxisName | readonly AxisName[];
  readonly from?: readonly AxisName[];
  readonly over?: readonly AxisName[];
  readonly axes?: readonly AxisName[];
  readonly parts?: readonly AxisName[];
  readonly start?: number;
  readonly lag?: number;
  readonly lags?: AxisName;
  readonly stream?: number;
  readonly reverse?: boolean;
  readonly kind?: "sequence" | "static" | "state";
  readonly index?: number;
  readonly scan?: ScanAttributes;
}
