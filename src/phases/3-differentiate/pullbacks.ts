/**
 * Vector-Jacobian products: for every op, the cotangents of its arguments from that of its result.
 *
 * In: a builder, the node and its cotangent (with the node's axes). Out: one cotangent per argument, or undefined where nothing flows. A cotangent may
 * have more axes than its argument (the caller sums over them) or fewer (the caller broadcasts it). Total over the ops, the scan apart.
 *
 * Conventions at the corners: relu, abs, sign, step have derivative 0 at 0; sqrt has derivative 0 at 0 (so the gradient of a norm at the origin is 0); equal
 * maxima share the cotangent evenly; the side of a `select` that was not chosen receives 0, whatever it holds: below a select, ops whose derivative may be infinite
 * (see ranges.ts) pass 0 on where their cotangent is 0.
 */
import type { GraphBuilder, NodeId } from "../../ir/tensor/build.ts";
import { unionAxes, withoutAxes } from "../../ir/tensor/axes.ts";
import type { AxisName, Node, Op, ScanOp } from "../../ir/tensor/node.ts";
import type { Range, Ranges } from "../../ir/tensor/ranges.ts";

export interface Pull {
  readonly g: GraphBuilder;
  readonly node: Node;
  /** The node's own value. */
  readonly y: NodeId;
  readonly args: readonly NodeId[];
  /** Cotangent of the value. */
  readonly dy: NodeId;
  /** True below a side of a `select`: where dy is 0 nothing may flow, even if the derivative there is infinite. */
  readonly guarded: boolean;
  readonly ranges: Ranges;
}

export interface Pullback {
  /** Arguments through which derivatives flow. */
  readonly through: readonly number[] | "all" | "none";
  readonly pull: (p: Pull) => readonly (NodeId | undefined)[];
}

const NOTHING: Pullback = { through: "none", pull: () => [] };

/** Rule of a unary op: its derivative times the cotangent. */
const unary = (dx: (g: GraphBuilder, x: NodeId, y: NodeId, dy: NodeId) => NodeId): Pullback => ({
  through: "all",
  pull: ({ g, args, y, dy }) => [dx(g, args[0], y, dy)],
});

/** The same for a derivative that is infinite for some x; `safe`: it is finite for all x that can occur. */
const singular = (dx: (g: GraphBuilder, x: NodeId, y: NodeId, dy: NodeId) => NodeId, safe: (x: Range, p: Pull) => boolean): Pullback => ({
  through: "all",
  pull: (p) => [guard(p, dx(p.g, p.args[0], p.y, p.dy), () => safe(p.ranges.of(p.args[0]), p))],
});

/** The term, and 0 where the cotangent is 0 if the term can be 0·∞ there. */
const guard = ({ g, dy, guarded }: Pull, term: NodeId, isSafe: () => boolean): NodeId =>
  guarded && !isSafe() ? g.select(dy, term, g.constant(0)) : term;

const isFiniteValue: (x: Range, p: Pull) => boolean = (_x, { ranges, y }) => !ranges.mayBreak(y);
const excludesZero = ({ low, high }: Range): boolean => low > 0 || high < 0;

const through = (args: readonly number[] | "all", pull: Pullback["pull"]): Pullback => ({ through: args, pull });

/** dy where the condition holds, else 0. */
const where = (g: GraphBuilder, condition: NodeId, dy: NodeId): NodeId => g.select(condition, dy, g.constant(0));

/** dy · x, summed over the axes that `wanted` lacks. */
function product(g: GraphBuilder, dy: NodeId, x: NodeId, wanted: readonly AxisName[]): NodeId {
  const over = withoutAxes(unionAxes(g.axesOf(dy), g.axesOf(x)), wanted);
  return over.length === 0 ? g.mul(dy, x) : g.contract(dy, x, over);
}

/** Cotangents of the greater (or smaller) of two: to the winner, half to each of equals. */
function extremum({ g, args: [a, b], dy }: Pull, wins: (x: NodeId, y: NodeId) => NodeId): NodeId[] {
  const half = where(g, g.equal(a, b), g.mul(g.constant(0.5), dy));
  return [g.select(wins(a, b), dy, half), g.select(wins(b, a), dy, half)];
}

/** Cotangent of what fills the steps outside of a shifted sequence. */
function shiftedInitial(g: GraphBuilder, dy: NodeId, lag: number, lags: AxisName | undefined): NodeId {
  if (lags === undefined) return g.last(dy, undefined, lag > 0);
  const row = g.iota(lags); // row j was read at step j, or at step T - |lag| + j
  const step = lag > 0 ? row : g.add(g.last(g.iota("t")), g.add(row, g.constant(1 + lag, "index")));
  return g.contract(g.equal(g.iota("t"), step), dy, "t");
}

export const pullbacks = {
  input: NOTHING,
  weight: NOTHING,
  constant: NOTHING,
  iota: NOTHING,
  random: NOTHING,
  parameter: NOTHING,

  neg: unary((g, _x, _y, dy) => g.neg(dy)),
  abs: unary((g, x, _y, dy) => g.mul(dy, g.sign(x))),
  sign: NOTHING,
  step: NOTHING,
  recip: singular((g, _x, y, dy) => g.neg(g.mul(dy, g.mul(y, y))), isFiniteValue),
  sqrt: through("all", ({ g, args: [x], y, dy, ranges }) => {
    const dx = g.div(g.mul(g.constant(0.5), dy), y);
    return [ranges.of(x).low > 0 ? dx : where(g, y, dx)];
  }),
  exp: singular((g, _x, y, dy) => g.mul(dy, y), isFiniteValue),
  expm1: singular((g, x, _y, dy) => g.mul(dy, g.exp(x)), isFiniteValue), // y + 1 would lose all digits for very negative x
  log: singular((g, x, _y, dy) => g.div(dy, x), excludesZero),
  log1p: singular(
    (g, x, _y, dy) => g.div(dy, g.add(x, g.constant(1))),
    (x) => x.low > -1,
  ),
  sin: unary((g, x, _y, dy) => g.mul(dy, g.cos(x))),
  cos: unary((g, x, _y, dy) => g.neg(g.mul(dy, g.sin(x)))),
  erf: unary((g, x, _y, dy) => g.mul(dy, g.mul(g.constant(2 / Math.sqrt(Math.PI)), g.exp(g.neg(g.mul(x, x)))))),
  sigmoid: unary((g, _x, y, dy) => g.mul(dy, g.mul(y, g.sub(g.constant(1), y)))),
  tanh: unary((g, _x, y, dy) => g.mul(dy, g.sub(g.constant(1), g.mul(y, y)))),
  softplus: unary((g, x, _y, dy) => g.mul(dy, g.sigmoid(x))),
  log_sigmoid: unary((g, x, _y, dy) => g.mul(dy, g.sigmoid(g.neg(x)))),
  relu: unary((g, _x, y, dy) => where(g, y, dy)),
  stop_gradient: NOTHING,
  to_real: NOTHING,

  add: through("all", ({ dy }) => [dy, dy]),
  sub: through("all", ({ g, dy }) => [dy, g.neg(dy)]),
  mul: through("all", ({ g, args: [a, b], dy, guarded, ranges }) => {
    const factor = (x: NodeId): NodeId => (guarded && ranges.mayBreak(x) ? g.select(dy, x, g.constant(0)) : x);
    return [product(g, dy, factor(b), g.axesOf(a)), product(g, dy, factor(a), g.axesOf(b))];
  }),
  div: through("all", (p) => {
    const {
      g,
      args: [a, b],
      y,
      dy,
      ranges,
    } = p;
    const da = guard(p, g.div(dy, b), () => excludesZero(ranges.of(b)));
    const all = unionAxes(g.axesOf(a), g.axesOf(b));
    return [da, guard(p, product(g, g.neg(da), y, all), () => !ranges.mayBreak(y))];
  }),
  max: through("all", (p) => extremum(p, (a, b) => p.g.less(b, a))),
  min: through("all", (p) => extremum(p, (a, b) => p.g.less(a, b))),
  pow: through("all", (p) => {
    const {
      g,
      args: [a, b],
      y,
      dy,
    } = p;
    const da = where(g, b, g.mul(dy, g.mul(b, g.pow(a, g.sub(b, g.constant(1)))))); // a⁰ is constant, also at a = 0
    const unsafe = () => false;
    return [guard(p, da, unsafe), guard(p, where(g, g.less(g.constant(0), a), g.mul(dy, g.mul(y, g.log(a)))), unsafe)];
  }),
  less: NOTHING,
  less_equal: NOTHING,
  equal: NOTHING,
  select: through([1, 2], ({ g, args: [condition], dy }) => [undefined, where(g, condition, dy), g.select(condition, g.constant(0), dy)]),

  sum: through("all", ({ dy }) => [dy]),
  max_over: through("all", ({ g, node, args: [x], y, dy }) => {
    const attained = g.equal(x, y);
    return [where(g, attained, g.div(dy, g.sum(attained, node.attributes.over!)))];
  }),
  argmax: NOTHING,
  contract: through("all", ({ g, args: [a, b], dy }) => {
    if (a === b) return [product(g, g.mul(dy, g.constant(2)), a, g.axesOf(a)), undefined]; // both at once
    return [product(g, dy, b, g.axesOf(a)), product(g, dy, a, g.axesOf(b))];
  }),

  rename: through("all", ({ g, node, dy }) => [g.rename(dy, node.attributes.to as readonly AxisName[], node.attributes.from!)]),
  transpose: through("all", ({ dy }) => [dy]),
  broadcast: through("all", ({ dy }) => [dy]),
  slice: through("all", ({ g, node: { attributes }, dy }) => [g.pad(dy, attributes.to as AxisName, attributes.axis!, attributes.start!)]),
  pick: through("all", ({ g, node: { attributes }, dy }) => {
    const axis = attributes.axis!;
    if (g.size(axis) === "T") return [where(g, g.equal(g.iota(axis), g.constant(attributes.start!, "index")), dy)];
    const one = g.declareAxis("one", 1);
    return [g.pad(g.broadcast(dy, one), one, axis, attributes.start!)];
  }),
  concat: through("all", ({ g, node: { attributes }, dy }) => {
    let start = 0;
    return attributes.parts!.map((part) => {
      const slice = g.slice(dy, attributes.axis!, part, start);
      start += g.size(part) as number;
      return slice;
    });
  }),
  pad: through("all", ({ g, node: { attributes }, dy }) => [g.slice(dy, attributes.to as AxisName, attributes.axis!, attributes.start!)]),
  split: through("all", ({ g, node: { attributes }, dy }) => [g.merge(dy, attributes.to as readonly AxisName[], attributes.axis!)]),
  merge: through("all", ({ g, node: { attributes }, dy }) => [g.split(dy, attributes.to as AxisName, attributes.axes!)]),
  gather: through([0], ({ g, node: { attributes }, args: [table, index], dy }) => {
    const over = withoutAxes(g.axesOf(index), g.axesOf(table));
    if (over.length > 0) return [g.scatter(dy, index, attributes.axis!, over)];
    return [where(g, g.equal(g.iota(attributes.axis!), index), dy)]; // each place is read at most once: a mask, not a sum
  }),
  scatter: through([0], ({ g, node: { attributes }, args: [, index], dy }) => [g.gather(dy, index, attributes.axis!)]),
  shift: through("all", ({ g, node: { attributes, axes }, dy }) => {
    const lag = attributes.lag!;
    const rest = withoutAxes(axes, ["t"]);
    const zero = g.filled(0, attributes.lags === undefined ? rest : [attributes.lags, ...rest]);
    return [g.shift(dy, -lag, zero, attributes.lags), shiftedInitial(g, dy, lag, attributes.lags)];
  }),
  fold: through("all", ({ g, node: { attributes }, dy }) => [g.unfold(dy, attributes.axes as [AxisName, AxisName])]),
  unfold: through("all", ({ g, node: { attributes }, dy }) => [g.fold(dy, attributes.axes as [AxisName, AxisName])]),
  solve: through("all", ({ g, node, args: [l, r], y, dy }) => {
    const { axis, reverse } = node.attributes;
    const [t, s] = [axis!, node.attributes.to as AxisName];
    const dr = g.solve(g.rename(l, [t, s], [s, t]), g.expand(dy, g.axesOf(r)), t, s, !reverse);
    const later = reverse ? g.less(g.iota(t), g.iota(s)) : g.less(g.iota(s), g.iota(t));
    return [where(g, later, product(g, dr, g.rename(y, t, s), g.axesOf(l))), dr];
  }),
  last: through([0], ({ g, node, args: [, lengths], dy }) => {
    if (lengths !== undefined && !node.attributes.reverse) return [where(g, g.equal(g.iota("t"), g.sub(lengths, g.constant(1, "index"))), dy)];
    return [g.shift(g.filled(0, ["t", ...node.axes]), node.attributes.reverse ? 1 : -1, dy)]; // only the first (last) step sees dy
  }),
} satisfies { [K in Exclude<Op, ScanOp>]: Pullback };

/** True if a derivative flows from the result of an op to its argument `arg`. */
export function flowsThrough(op: Exclude<Op, ScanOp>, arg: number): boolean {
  const { through: args } = pullbacks[op];
  return args === "all" || (args !== "none" && args.includes(arg));
}
