/**
 * What terms are computed with while a graph is built: values with named dimensions, and elementwise work on them.
 *
 * In: nodes of a graph builder. Out: nodes. A `Value` is a node whose `dims` are the axes of its shape, in the shape's order; all its other axes (time,
 * batch, indices) broadcast by name. Keeps axes in the order t, b, indices, features, so that stored values have the layout that people expect.
 */
import { invariant } from "../../support/invariant.ts";
import type { Span } from "../../support/source.ts";
import type { Size } from "../../ir/network/node.ts";
import { printSize } from "../../ir/network/print.ts";
import type { AxisName, BinaryOp } from "../../ir/tensor/node.ts";
import type { GraphBuilder, NodeId } from "../../ir/tensor/build.ts";

export interface Value {
  readonly node: NodeId;
  readonly dims: readonly AxisName[];
}

/** A place where terms are computed: outside of all recurrences, or in the body of one. */
export interface Frame {
  readonly b: GraphBuilder;
  readonly sizes: SizeTable;
  /** A definition at t - lag. */
  value(name: string, lag: number): Value;
  input(name: string, lag: number): Value;
  weight(name: string): Value;
  /** Brings a value of the surrounding graph here. */
  lift(outer: Value): Value;
  /** The frame of whole sequences. */
  readonly outside: OuterFrame;
  /** True if the name is computed by the recurrence of this frame. */
  isMember(name: string): boolean;
  /** Uniform numbers in [0, 1) along these axes (never in a scan body: lifted there); undefined when masks are not drawn. */
  random(axes: readonly AxisName[]): NodeId | undefined;
  /** 1 where the position of a time index counts: [t, s], with b if it depends on the sequence. */
  mask(index: string): Value;
}

export interface OuterFrame extends Frame {
  /** Declared indices of a definition. */
  indicesOf(name: string): readonly string[];
  /** A value that has no name, some steps earlier; 0 before the first step. */
  delay(value: Value, lag: number): Value;
  /** The sum of a value over all steps up to each, and what rounding took from it: differences of these are sums of the steps between two. */
  runningSum(value: Value): readonly [high: Value, low: Value];
}

/** Axes for sizes and indices, and their numbers. */
export interface SizeTable {
  number(size: Size): number;
  /** Axes of a shape: one for each dimension, primed where a size occurs twice. */
  axes(shape: readonly Size[], span?: Span): readonly AxisName[];
  index(path: string): AxisName;
  /** An axis of the given size. */
  ofLength(length: number): AxisName;
}

export function sizeTable(b: GraphBuilder, number: (size: Size) => number, indices: ReadonlyMap<string, AxisName>): SizeTable {
  const reserved = new Set(["t", "b", ...indices.values()]);
  const base = (size: Size): AxisName => {
    let name = printSize(size);
    while (reserved.has(name) || (b.axes.has(name) && b.axes.get(name) !== number(size))) name += "_";
    return b.declareAxis(name, number(size));
  };
  return {
    number,
    axes(shape) {
      const result: AxisName[] = [];
      for (const size of shape) result.push(b.otherAxis(base(size), result));
      return result;
    },
    index(path) {
      const axis = indices.get(path);
      invariant(axis !== undefined, `index ${path} has no axis`);
      return axis;
    },
    ofLength: (length) => base({ terms: [{ coefficient: length, names: [] }] }),
  };
}

/** Sorts axes: time, batch, indices (as declared), then the others as they come. */
export function sortAxes(frame: Frame, axes: readonly AxisName[], dims: readonly AxisName[] = []): readonly AxisName[] {
  const rank = (axis: AxisName): number =>
    axis === "t"
      ? 0
      : axis === "b"
        ? 1
        : dims.includes(axis)
          ? 4 + dims.indexOf(axis)
          : frame.b.axes.get(axis) === "T"
            ? 3
            : isIndexAxis(frame, axis)
              ? 2
              : 4;
  return axes
    .map((axis, k) => ({ axis, k, r: rank(axis) }))
    .sort((x, y) => x.r - y.r || x.k - y.k)
    .map(({ axis }) => axis);
}

const indexAxes = new WeakMap<SizeTable, ReadonlySet<AxisName>>();
export function noteIndexAxes(table: SizeTable, axes: ReadonlySet<AxisName>): void {
  indexAxes.set(table, axes);
}
const isIndexAxis = (frame: Frame, axis: AxisName): boolean => indexAxes.get(frame.sizes)?.has(axis) ?? false;

/** The value with its dimensions renamed to the given axes. */
export function withDims(frame: Frame, value: Value, dims: readonly AxisName[]): Value {
  const from = value.dims.filter((axis, k) => axis !== dims[k]);
  if (from.length === 0) return value;
  const to = dims.filter((axis, k) => axis !== value.dims[k]);
  return { node: frame.b.rename(value.node, from, to), dims };
}

/** The canonical form of a value of this shape: its axes named after its sizes, in the order t, b, indices, features. */
export function standard(frame: Frame, value: Value, shape: readonly Size[]): Value {
  const named = withDims(frame, value, frame.sizes.axes(shape));
  return { node: frame.b.transpose(named.node, sortAxes(frame, frame.b.axesOf(named.node), named.dims)), dims: named.dims };
}

const COMMUTATIVE: ReadonlySet<BinaryOp> = new Set(["add", "mul", "max", "min", "equal"]);

/** Elementwise with broadcasting: numbers with anything, equal shapes by position. */
export function elementwise(frame: Frame, op: BinaryOp, left: Value, right: Value): Value {
  const { b } = frame;
  const dims = left.dims.length >= right.dims.length ? left.dims : right.dims;
  // The vector beside a map goes with its channels.
  const x = left.dims.length > 0 ? withDims(frame, left, dims.slice(0, left.dims.length)) : left;
  const y = right.dims.length > 0 ? withDims(frame, right, dims.slice(0, right.dims.length)) : right;
  const first = b.axesOf(x.node);
  const second = b.axesOf(y.node);
  const union = [...first, ...second.filter((axis) => !first.includes(axis))];
  const wanted = sortAxes(frame, union, dims);
  if (wanted.every((axis, k) => axis === union[k])) return { node: b.binary(op, x.node, y.node), dims };
  const other = [...second, ...first.filter((axis) => !second.includes(axis))];
  if (COMMUTATIVE.has(op) && wanted.every((axis, k) => axis === other[k])) return { node: b.binary(op, y.node, x.node), dims };
  return { node: b.binary(op, b.expand(x.node, wanted), y.node), dims };
}

/** Chosen elementwise; the result has the axes of all three in standard order. */
export function choose(frame: Frame, condition: NodeId, whenTrue: Value, whenFalse: Value): Value {
  const { b } = frame;
  const dims = whenTrue.dims.length >= whenFalse.dims.length ? whenTrue.dims : whenFalse.dims;
  const x = whenTrue.dims.length > 0 ? withDims(frame, whenTrue, dims) : whenTrue;
  const y = whenFalse.dims.length > 0 ? withDims(frame, whenFalse, dims) : whenFalse;
  const union = [...new Set([condition, x.node, y.node].flatMap((node) => b.axesOf(node)))];
  const wanted = sortAxes(frame, union, dims);
  const ordered = wanted.every((axis, k) => axis === union[k]) ? condition : b.expand(condition, wanted);
  return { node: b.select(ordered, x.node, y.node), dims };
}

export const numberValue = (frame: Frame, value: number): Value => ({ node: frame.b.constant(value), dims: [] });
export const unaryValue = (value: Value, node: NodeId): Value => ({ node, dims: value.dims });

/** Product of linear algebra: the last dimension of the left with the first of the right. The side with time comes first, so that results are [t, b, H]. */
export function product(frame: Frame, left: Value, right: Value): Value {
  const { b } = frame;
  const over = left.dims[left.dims.length - 1];
  const kept = left.dims.slice(0, -1);
  const avoid = [...left.dims];
  const dims = right.dims.map((axis, k) => (k === 0 ? over : b.otherAxis(axis, avoid)));
  const y = withDims(frame, right, dims);
  const runs = (node: NodeId): number => (b.axesOf(node).includes("t") ? 2 : b.axesOf(node).includes("b") ? 1 : 0);
  const node = runs(y.node) > runs(left.node) ? b.contract(y.node, left.node, over) : b.contract(left.node, y.node, over);
  return { node, dims: [...kept, ...dims.slice(1)] };
}

/** `diag(v)·M` (dimension 0) or `M·diag(v)` (the last): every row or column of M times its component of v; no matrix is made of v. */
export function scaledAlong(frame: Frame, matrix: Value, vector: Value, dimension: number): Value {
  const { b } = frame;
  const factor = withDims(frame, vector, [matrix.dims[dimension]]);
  const union = [...new Set([...b.axesOf(matrix.node), ...b.axesOf(factor.node)])];
  const wanted = sortAxes(frame, union, matrix.dims);
  const x = wanted.every((axis, k) => axis === union[k]) ? matrix.node : b.expand(matrix.node, wanted);
  return { node: b.mul(x, factor.node), dims: matrix.dims };
}

/** Outer product of two vectors. */
export function outerProduct(frame: Frame, left: Value, right: Value): Value {
  const [row] = left.dims;
  const column = frame.b.otherAxis(right.dims[0], [row]);
  const y = withDims(frame, right, [column]);
  const dims = [row, column];
  const union = [...new Set([...frame.b.axesOf(left.node), ...frame.b.axesOf(y.node)])];
  const wanted = sortAxes(frame, union, dims);
  const x = wanted.every((axis, k) => axis === union[k]) ? left.node : frame.b.expand(left.node, wanted);
  return { node: frame.b.mul(x, y.node), dims };
}
