/**
 * Elementwise functions of the tensor language in float64, each accurate to a few units in the last place over its whole range.
 *
 * In and out: numbers. NaN in gives NaN out. The table is total over the unary and binary ops on reals.
 */
import type { BinaryOp, UnaryOp } from "./node.ts";

/** σ(x) = 1 / (1 + e^-x), without overflow. */
export function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const e = Math.exp(x);
  return e / (1 + e);
}

/** log(1 + e^x) = max(x, 0) + log1p(e^-|x|). */
export function softplus(x: number): number {
  return (x > 0 ? x : 0) + Math.log1p(Math.exp(-Math.abs(x))) + (Number.isNaN(x) ? NaN : 0);
}

/** log σ(x) = -softplus(-x). */
export function logSigmoid(x: number): number {
  return -softplus(-x);
}

/**
 * erf(x) = 2/√π ∫₀ˣ e^-u² du. For small |x| the series 2/√π · e^-x² · Σ 2ⁿ x^(2n+1) / (2n+1)!!, all of whose terms have one sign; beyond 2.5
 * one minus the continued fraction of erfc, evaluated from the bottom.
 */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (!(a < 6)) return Number.isNaN(x) ? NaN : Math.sign(x); // erfc(6) is below half a unit in the last place
  if (a < 2.5) {
    let term = a;
    let sum = a;
    for (let n = 1; term > sum * 1e-17; n++) {
      term *= (2 * a * a) / (2 * n + 1);
      sum += term;
    }
    return Math.sign(x) * 1.1283791670955126 * Math.exp(-a * a) * sum; // 2/√π
  }
  let fraction = a;
  for (let k = 60; k > 0; k--) fraction = a + k / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-a * a) / (fraction * 1.7724538509055159)); // √π
}

/** 1 for x > 0, else 0 (NaN stays). */
function step(x: number): number {
  return x > 0 ? 1 : Number.isNaN(x) ? NaN : 0;
}

/** max(x, 0); NaN stays. */
function relu(x: number): number {
  return x > 0 ? x : Number.isNaN(x) ? NaN : 0;
}

const identity = (x: number): number => x;

/** Every unary op as a function of numbers. */
export const unaryFunctions = {
  neg: (x) => -x,
  abs: Math.abs,
  sign: Math.sign,
  step,
  recip: (x) => 1 / x,
  sqrt: Math.sqrt,
  exp: Math.exp,
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  sin: Math.sin,
  cos: Math.cos,
  erf,
  sigmoid,
  tanh: Math.tanh,
  softplus,
  log_sigmoid: logSigmoid,
  relu,
  stop_gradient: identity,
  to_real: identity,
} satisfies { [K in UnaryOp]: (x: number) => number };

/** Every binary op as a function of numbers. */
export const binaryFunctions = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  max: Math.max,
  min: Math.min,
  pow: (a, b) => a ** b,
  less: (a, b) => (a < b ? 1 : 0),
  less_equal: (a, b) => (a <= b ? 1 : 0),
  equal: (a, b) => (a === b ? 1 : 0),
} satisfies { [K in BinaryOp]: (a: number, b: number) => number };
