/**
 * Between which bounds a value lies, and whether it can be infinite or not a number though all inputs, weights and states are finite.
 *
 * In: a node of a graph under construction. Out: an interval that holds for every input; −∞ … ∞ where nothing is known. Reads structure only. What it says is true but
 * not always all that could be said.
 */
import type { GraphBuilder, NodeId } from "./build.ts";
import type { Op } from "./node.ts";
import { isElementwise, isView } from "./ops.ts";
import { isTimed } from "./sizes.ts";

export interface Range {
  readonly low: number;
  readonly high: number;
}

export interface Ranges {
  of(id: NodeId): Range;
  /** True if the value can be infinite or NaN for finite leaves: `e^x` of any x, `1/x` where x may be 0. A chosen side of a select is taken to be finite. */
  mayBreak(id: NodeId): boolean;
}

const ANY: Range = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
const range = (low: number, high: number): Range => (low <= high ? { low, high } : ANY);

const FIXED: Partial<Record<Op, Range>> = {
  sigmoid: range(0, 1),
  tanh: range(-1, 1),
  sin: range(-1, 1),
  cos: range(-1, 1),
  erf: range(-1, 1),
  sign: range(-1, 1),
  step: range(0, 1),
  less: range(0, 1),
  less_equal: range(0, 1),
  equal: range(0, 1),
  random: range(0, 1),
  softplus: range(0, Number.POSITIVE_INFINITY),
  abs: range(0, Number.POSITIVE_INFINITY),
  iota: range(0, Number.POSITIVE_INFINITY),
  log_sigmoid: range(Number.NEGATIVE_INFINITY, 0),
};

const MONOTONE: Partial<Record<Op, (x: number) => number>> = {
  exp: Math.exp,
  expm1: Math.expm1,
  relu: (x) => Math.max(x, 0),
  sqrt: (x) => Math.sqrt(Math.max(x, 0)),
  stop_gradient: (x) => x,
  to_real: (x) => x,
};

const product = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : a * b);

function times(a: Range, b: Range): Range {
  const ends = [product(a.low, b.low), product(a.low, b.high), product(a.high, b.low), product(a.high, b.high)];
  return range(Math.min(...ends), Math.max(...ends));
}

const inverse = ({ low, high }: Range): Range => (low > 0 || high < 0 ? range(1 / high, 1 / low) : ANY);

export function rangesOf(g: GraphBuilder): Ranges {
  const ranges = new Map<NodeId, Range>();
  const breaks = new Map<NodeId, boolean>();

  /** x - max x and x - max(x, y) are never above 0. */
  const isShifted = (x: NodeId, subtracted: NodeId): boolean => {
    const { op, args } = g.node(subtracted);
    if (op === "stop_gradient" || op === "broadcast" || op === "transpose") return isShifted(x, args[0]);
    return (op === "max_over" || op === "max") && args.includes(x);
  };

  const find = (id: NodeId): Range => {
    const { op, args, attributes } = g.node(id);
    const fixed = FIXED[op];
    if (fixed) return fixed;
    const [a, b, c] =
      args.length <= 3 && (isElementwise(op) || isView(op) || op === "transpose" || op === "max_over" || op === "sum") ? args.map(of) : [];
    const monotone = MONOTONE[op];
    if (monotone) return range(monotone(a.low), monotone(a.high));
    if ((isView(op) && args.length === 1) || op === "transpose" || op === "max_over") return a;
    switch (op) {
      case "constant":
        return range(attributes.value!, attributes.value!);
      case "neg":
        return range(-a.high, -a.low);
      case "recip":
        return inverse(a);
      case "add":
        return range(a.low + b.low, a.high + b.high);
      case "sub":
        return range(a.low - b.high, isShifted(args[0], args[1]) ? 0 : a.high - b.low);
      case "mul":
        if (args[0] === args[1]) return range(0, times(a, a).high);
        return times(a, b);
      case "div":
        return times(a, inverse(b));
      case "pow": // of a positive constant, which rises or falls all along
        return a.low === a.high && a.low > 0 ? range(Math.min(a.low ** b.low, a.low ** b.high), Math.max(a.low ** b.low, a.low ** b.high)) : ANY;
      case "max":
        return range(Math.max(a.low, b.low), Math.max(a.high, b.high));
      case "min":
        return range(Math.min(a.low, b.low), Math.min(a.high, b.high));
      case "select":
        return range(Math.min(b.low, c.low), Math.max(b.high, c.high));
      case "sum": {
        const sizes = attributes.over!.map((axis) => g.size(axis));
        const most = sizes.reduce<number>((n, size) => n * (isTimed(size) ? Number.POSITIVE_INFINITY : size), 1);
        const fewest = sizes.reduce<number>((n, size) => n * (isTimed(size) ? 1 : size), 1);
        return range(product(a.low, a.low < 0 ? most : fewest), product(a.high, a.high > 0 ? most : fewest));
      }
      case "contract":
        return args[0] === args[1] ? range(0, Number.POSITIVE_INFINITY) : ANY;
      default:
        return ANY;
    }
  };

  const of = (id: NodeId): Range => {
    const known = ranges.get(id);
    if (known) return known;
    const found = find(id);
    ranges.set(id, found);
    return found;
  };

  const isFinite = ({ low, high }: Range): boolean => Number.isFinite(low) && Number.isFinite(high);

  const findBreak = (id: NodeId): boolean => {
    const { op, args } = g.node(id);
    if (isFinite(of(id))) return false;
    switch (op) {
      case "exp":
      case "expm1":
        return of(args[0]).high === Number.POSITIVE_INFINITY || mayBreak(args[0]);
      case "recip":
        return true;
      case "log":
      case "log1p":
        return of(args[0]).low <= (op === "log" ? 0 : -1) || mayBreak(args[0]);
      case "div":
        return !isFinite(inverse(of(args[1]))) || mayBreak(args[0]);
      case "pow":
        return true;
      case "select":
        return false;
      default:
        return args.some(mayBreak);
    }
  };

  const mayBreak = (id: NodeId): boolean => {
    const known = breaks.get(id);
    if (known !== undefined) return known;
    const found = findBreak(id);
    breaks.set(id, found);
    return found;
  };

  return { of, mayBreak };
}
