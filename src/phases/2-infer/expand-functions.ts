/**
 * The functions of the language in terms of the ops of the tensor language, in forms that keep their digits.
 *
 * In: argument values and options. Out: values. `vector` functions work along the last dimension. Softmax subtracts the maximum, losses take logits
 * and go through log softmax and softplus, so that no probability is ever formed only to be taken the logarithm of.
 */
import { unreachable } from "../../support/invariant.ts";
import type { AxisName, UnaryOp } from "../../ir/tensor/node.ts";
import type { NodeId } from "../../ir/tensor/build.ts";
import { SluiceError } from "../../support/diagnostic.ts";
import { choose, elementwise, type Frame, numberValue, sortAxes, type Value, withDims } from "./build-frame.ts";

const PLAIN: Readonly<Record<string, UnaryOp>> = {
  σ: "sigmoid",
  log_σ: "log_sigmoid",
  tanh: "tanh",
  exp: "exp",
  log: "log",
  softplus: "softplus",
  relu: "relu",
  abs: "abs",
  sign: "sign",
  sqrt: "sqrt",
  sin: "sin",
  cos: "cos",
  erf: "erf",
  stop_gradient: "stop_gradient",
};

export function applyFunction(frame: Frame, name: string, args: readonly Value[], options: Readonly<Record<string, number>>): Value {
  const { b } = frame;
  const [x, y] = args;
  const c = (value: number): Value => numberValue(frame, value);
  const unary = (op: UnaryOp, value: Value): Value => ({ node: b.unary(op, value.node), dims: value.dims });
  const add = (p: Value, q: Value): Value => elementwise(frame, "add", p, q);
  const sub = (p: Value, q: Value): Value => elementwise(frame, "sub", p, q);
  const mul = (p: Value, q: Value): Value => elementwise(frame, "mul", p, q);
  const plain = PLAIN[name];
  if (plain) return unary(plain, x);
  switch (name) {
    case "hard_σ":
      return elementwise(frame, "min", elementwise(frame, "max", add(mul(x, c(1 / 6)), c(0.5)), c(0)), c(1));
    case "silu":
      return mul(x, unary("sigmoid", x));
    case "gelu": // x/2 · (1 + erf(x/√2))
      return mul(mul(x, c(0.5)), add(unary("erf", mul(x, c(Math.SQRT1_2))), c(1)));
    case "gelu_tanh": {
      const cubic = add(x, mul(mul(mul(x, x), x), c(0.044715)));
      return mul(mul(x, c(0.5)), add(unary("tanh", mul(cubic, c(Math.sqrt(2 / Math.PI)))), c(1)));
    }
    case "elu": // the exponential sees only what is negative, so it cannot overflow
      return choose(frame, elementwise(frame, "less", c(0), x).node, x, mul(unary("expm1", elementwise(frame, "min", x, c(0))), c(options.scale)));
    case "max":
    case "min":
      return elementwise(frame, name, x, y);
    case "clamp":
      return elementwise(frame, "min", elementwise(frame, "max", x, c(options.low)), c(options.high));
    case "softmax":
      return softmaxOver(frame, x, last(x));
    case "log_softmax":
      return logSoftmax(frame, x);
    case "sum":
      return { node: b.sum(x.node, x.dims), dims: [] };
    case "mean":
      return mul({ node: b.sum(x.node, x.dims), dims: [] }, c(1 / count(frame, x)));
    case "norm":
      return unary("sqrt", { node: b.contract(x.node, x.node, x.dims), dims: [] });
    case "normalize":
      return elementwise(frame, "div", x, keep(frame, x, unary("sqrt", add(sumSquares(frame, x), c(options.epsilon)))));
    case "rms_norm":
      return elementwise(frame, "div", x, keep(frame, x, unary("sqrt", add(mul(sumSquares(frame, x), c(1 / length(frame, x))), c(options.epsilon)))));
    case "layer_norm": {
      const mean = mul(rowSum(frame, x), c(1 / length(frame, x)));
      const centred = sub(x, keep(frame, x, mean));
      const variance = mul(sumSquares(frame, centred), c(1 / length(frame, x)));
      return elementwise(frame, "div", centred, keep(frame, centred, unary("sqrt", add(variance, c(options.epsilon)))));
    }
    case "top_k": // what is not kept is 0 to a softmax
      return choose(frame, greatest(frame, x, options.k).kept, x, c(NOTHING));
    case "among_top":
      return { node: greatest(frame, x, options.k).kept, dims: x.dims };
    case "top_indices": {
      const places = greatest(frame, x, options.k).places.map((node): Value => ({ node: b.to_real(node), dims: [] }));
      return concatenate(frame, places);
    }
    case "masked":
      return masked(frame, x, y);
    case "concat":
      return concatenate(frame, args);
    case "split": {
      const size = (b.size(x.dims[0]) as number) / options.parts;
      const to = b.otherAxis(frame.sizes.ofLength(size), b.axesOf(x.node));
      return { node: b.slice(x.node, x.dims[0], to, (options.part - 1) * size), dims: [to, ...x.dims.slice(1)] };
    }
    case "diag": {
      const column = b.otherAxis(x.dims[0], x.dims);
      const same = b.equal(b.iota(x.dims[0]), b.iota(column));
      const dims = [x.dims[0], column];
      return { node: b.mul(x.node, same), dims };
    }
    case "cross_entropy":
      return crossEntropy(frame, x, y);
    case "binary_cross_entropy": {
      // -y·log σ(a) - (1-y)·log(1 - σ(a)) = softplus(a) - y·a
      const each = sub(unary("softplus", x), mul(y, x));
      return each.dims.length > 0 ? { node: b.sum(each.node, each.dims), dims: [] } : each;
    }
    case "mse": {
      const difference = sub(x, y);
      return meanOfAll(frame, mul(difference, difference));
    }
    case "mae":
      return meanOfAll(frame, unary("abs", sub(x, y)));
    case "huber": {
      const difference = sub(x, y);
      const size = unary("abs", difference);
      const inside = elementwise(frame, "min", size, c(options.delta));
      // d²/2 inside, delta·(|d| - delta/2) outside: inside·(|d| - inside/2) is both.
      return meanOfAll(frame, mul(inside, sub(size, mul(inside, c(0.5)))));
    }
    case "dropout":
      return dropout(frame, x, options);
    case "zoneout":
      return zoneout(frame, x, y, options);
    default:
      return unreachable(name as never);
  }
}

const last = (x: Value): AxisName => x.dims[x.dims.length - 1];
const length = (frame: Frame, x: Value): number => frame.b.size(last(x)) as number;
const count = (frame: Frame, x: Value): number => x.dims.reduce((product, axis) => product * (frame.b.size(axis) as number), 1);

/** A result over the last dimension, to be used with the value again: it broadcasts along it by name. */
function keep(_frame: Frame, x: Value, reduced: Value): Value {
  return x.dims.length > 1 ? { node: reduced.node, dims: [] } : reduced;
}
const rowSum = (frame: Frame, x: Value): Value => ({ node: frame.b.sum(x.node, last(x)), dims: [] });
const sumSquares = (frame: Frame, x: Value): Value => ({ node: frame.b.contract(x.node, x.node, last(x)), dims: [] });

function meanOfAll(frame: Frame, x: Value): Value {
  if (x.dims.length === 0) return x;
  return elementwise(frame, "mul", { node: frame.b.sum(x.node, x.dims), dims: [] }, numberValue(frame, 1 / count(frame, x)));
}

/** exp(x - max) / Σ exp(x - max) along an axis; the maximum is a constant to the gradient. Where the mask is 0 the result is 0. */
export function softmaxOver(frame: Frame, x: Value, axis: AxisName, mask?: NodeId): Value {
  const { b } = frame;
  const masked = mask === undefined ? x : choose(frame, mask, x, numberValue(frame, -1e30));
  const greatest: Value = { node: b.stop_gradient(b.max_over(masked.node, axis)), dims: [] };
  const shifted = { node: elementwise(frame, "sub", { node: masked.node, dims: [] }, greatest).node, dims: x.dims };
  const powers = { node: b.exp(shifted.node), dims: x.dims };
  const weights = mask === undefined ? powers : choose(frame, mask, powers, numberValue(frame, 0));
  const total = b.sum(weights.node, axis);
  // At least one term is exp(0) = 1, unless the mask leaves none: then 0 / 0.5 is the 0 that an empty softmax is.
  const safe = mask === undefined ? total : b.max(total, b.constant(0.5));
  return { node: elementwise(frame, "div", { node: weights.node, dims: [] }, { node: safe, dims: [] }).node, dims: x.dims };
}

function logSumExp(frame: Frame, x: Value): { readonly shifted: Value; readonly total: Value } {
  const { b } = frame;
  const axis = last(x);
  const greatest: Value = { node: b.stop_gradient(b.max_over(x.node, axis)), dims: [] };
  const shifted = { node: elementwise(frame, "sub", { node: x.node, dims: [] }, greatest).node, dims: x.dims };
  return { shifted, total: { node: b.log(b.sum(b.exp(shifted.node), axis)), dims: [] } };
}

function logSoftmax(frame: Frame, x: Value): Value {
  const { shifted, total } = logSumExp(frame, x);
  return { node: elementwise(frame, "sub", { node: shifted.node, dims: [] }, total).node, dims: x.dims };
}

/** log Σ exp(logits) - logits[index], or the same averaged by a distribution. */
function crossEntropy(frame: Frame, logits: Value, target: Value): Value {
  const { b } = frame;
  const { shifted, total } = logSumExp(frame, logits);
  if (b.node(target.node).type === "index") {
    const [classes] = logits.dims;
    // gather makes a table of the logits at every step; picking by comparison keeps the step's own row
    const hit = b.equal(b.expand(target.node, [...b.axesOf(target.node), classes]), b.iota(classes));
    return elementwise(frame, "sub", total, { node: b.contract(shifted.node, hit, classes), dims: [] });
  }
  const y = withDims(frame, target, logits.dims);
  const all = elementwise(frame, "sub", { node: shifted.node, dims: [] }, total);
  return { node: b.neg(b.contract(y.node, all.node, logits.dims[0])), dims: [] };
}

/** -∞ to a softmax, and still a number. */
const NOTHING = -1e30;

/** The k greatest: k times, takes the greatest of what is left. Ties go to the first. */
function greatest(frame: Frame, x: Value, k: number): { readonly kept: NodeId; readonly places: readonly NodeId[] } {
  const { b } = frame;
  const axis = last(x);
  if (k > (b.size(axis) as number)) throw new SluiceError("E450", `the ${k} greatest are asked of ${b.size(axis)} components`);
  const each = b.iota(axis);
  const low = numberValue(frame, NOTHING);
  const places: NodeId[] = [];
  let left = b.stop_gradient(x.node);
  let kept: NodeId | undefined;
  for (let round = 0; round < k; round++) {
    const best = b.argmax(left, axis);
    const hit = b.equal(b.expand(best, [...b.axesOf(best), axis]), each);
    kept = kept === undefined ? hit : b.max(kept, hit);
    left = choose(frame, hit, low, { node: left, dims: x.dims }).node;
    places.push(best);
  }
  return { kept: kept!, places };
}

/** x where m is not 0. */
function masked(frame: Frame, x: Value, m: Value): Value {
  const { b } = frame;
  const dims = x.dims.length >= m.dims.length ? x.dims : m.dims;
  const condition = m.dims.length > 0 ? withDims(frame, m, dims.slice(0, m.dims.length)) : m;
  const value = x.dims.length > 0 ? withDims(frame, x, dims.slice(0, x.dims.length)) : x;
  const union = [...new Set([...b.axesOf(value.node), ...b.axesOf(condition.node)])];
  const whole: Value = { node: b.expand(value.node, sortAxes(frame, union, dims)), dims };
  return choose(frame, condition.node, whole, numberValue(frame, NOTHING));
}

/** Vectors end to end; numbers are vectors of one. */
export function concatenate(frame: Frame, parts: readonly Value[]): Value {
  const { b } = frame;
  const single = (): AxisName => b.otherAxis(frame.sizes.ofLength(1), []);
  const vectors = parts.map((part) =>
    part.dims.length === 0 ? { node: b.expand(part.node, [...b.axesOf(part.node), single()]), dims: [single()] } : part,
  );
  const others = [...new Set(vectors.flatMap((part) => b.axesOf(part.node).filter((axis) => axis !== part.dims[0])))];
  const rank = (axis: AxisName): number => (axis === "t" ? 0 : axis === "b" ? 1 : 2);
  const outer = others.sort((p, q) => rank(p) - rank(q));
  const total = vectors.reduce((sum, part) => sum + (b.size(part.dims[0]) as number), 0);
  const axis = b.otherAxis(frame.sizes.ofLength(total), outer);
  const nodes = vectors.map((part) => b.expand(part.node, [...outer, part.dims[0]]));
  return {
    node: b.concat(
      nodes,
      vectors.map((part) => part.dims[0]),
      axis,
    ),
    dims: [axis],
  };
}

/** Training: 0 with probability p, else x/(1-p); one mask for the whole sequence if shared. Otherwise x. */
function dropout(frame: Frame, x: Value, options: Readonly<Record<string, number>>): Value {
  const mask = keepMask(frame, x, options.p, options.shared !== 0);
  if (mask === undefined || options.p === 0) return x;
  return elementwise(frame, "mul", x, { node: frame.b.mul(mask, frame.b.constant(1 / (1 - options.p))), dims: x.dims });
}

/** Training: old with probability p, else new. Otherwise p·old + (1-p)·new (Krueger et al. 2017). */
function zoneout(frame: Frame, fresh: Value, old: Value, options: Readonly<Record<string, number>>): Value {
  const { p } = options;
  const mask = keepMask(frame, fresh, p, false);
  if (mask !== undefined) return choose(frame, mask, fresh, old);
  const share = (value: Value, factor: number): Value => elementwise(frame, "mul", value, numberValue(frame, factor));
  return elementwise(frame, "add", share(old, p), share(fresh, 1 - p));
}

/** 1 with probability 1 - p: for every step, example and unit, or for the whole sequence. */
function keepMask(frame: Frame, x: Value, p: number, shared: boolean): NodeId | undefined {
  const axes = frame.b.axesOf(x.node).filter((axis) => axis !== "t" && axis !== "b");
  const uniform = frame.random([...(shared ? [] : ["t"]), "b", ...axes]);
  return uniform === undefined ? undefined : frame.b.less_equal(frame.b.constant(p), uniform);
}
