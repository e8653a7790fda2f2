/**
 * exp, expm1, sigmoid, tanh on four float32 lanes: x = n·ln 2 + r, 2ⁿ made of bits, e^r by a polynomial.
 *
 * The polynomials are minimax fits of (e^r − 1 − r)/r², so that e^r − 1 = r + r²·P(r) keeps its relative accuracy near 0. ln 2 is split in two
 * so that n·LN2_HIGH is exact (Cody and Waite, 1980). Adding 1.5·2²³ rounds to a whole number, whose bits then stand lowest: with the
 * exponent's bias added beforehand, a shift by 23 makes 2ⁿ. No FMA is assumed. Every function saturates cleanly and passes NaN.
 */
import { type Instruction, simd } from "../instruction.ts";
import { add, atLeast, atMost, div, mul, number, polynomial, shift, sub, withSignOf } from "./arithmetic.ts";

const LOG2_E = Math.LOG2E;
export const LN2_HIGH = 0.693359375;
export const LN2_LOW = -2.121944400546906e-4;
/** 1.5·2²³: floats of this size step by 1. */
const ROUNDER = 12582912;

/** P on [0, ln 2], relative error of e^r 2^−28.3. */
const wide = [0.5000023, 0.16663143, 0.04185697, 0.00786508, 0.0019144695];
/** P on [−ln 2 / 2, ln 2 / 2], relative error of e^r − 1 2^−26.1. */
export const narrow = [0.49999997, 0.16666545, 0.041667446, 0.008366454, 0.0013869595];

/** P(−q) as a polynomial in q. */
function mirrored(coefficients: readonly number[]): readonly number[] {
  return coefficients.map((value, power) => (power % 2 === 0 ? value : -value));
}

/** The whole part n of `scaled` (rounded) and 2^(n + shift), both from one rounding addition. */
function split(scaled: Instruction, shiftBy = 0): { readonly n: Instruction; readonly power: Instruction } {
  const rounder = ROUNDER + 127 + shiftBy;
  const rounded = add(scaled, number(rounder));
  return { n: sub(rounded, number(rounder)), power: shift("i32x4.shl", rounded, 23) };
}

/** Just below ½: turns rounding to nearest into rounding down, but keeps 0 where it is. */
const ALMOST_HALF = 0.49999997;

/**
 * e^x for x from just below the logarithm of the smallest normal (→ 0) to that of the largest number (→ ∞). n is rounded down, so that 2ⁿ and
 * the factor in [1, 2) overflow and vanish where e^x does.
 */
function expBetween(x: Instruction): Instruction {
  const { n, power } = split(sub(mul(x, number(LOG2_E)), number(ALMOST_HALF)));
  const r = sub(sub(x, mul(n, number(LN2_HIGH))), mul(n, number(LN2_LOW)));
  return mul(add(add(mul(mul(r, r), polynomial(r, wide)), r), number(1)), power);
}

/** e^−x for x in [−88.8, 87.6]. */
export function expOfNegative(x: Instruction): Instruction {
  const { n, power } = split(sub(mul(x, number(-LOG2_E)), number(ALMOST_HALF)));
  const q = add(add(x, mul(n, number(LN2_HIGH))), mul(n, number(LN2_LOW)));
  return mul(add(sub(mul(mul(q, q), polynomial(q, mirrored(wide))), q), number(1)), power);
}

/** e^x. Results below the smallest normal are 0. */
export function exp(x: Instruction): Instruction {
  return expBetween(atLeast(atMost(x, 88.8), -87.6));
}

/** σ(x) = 1 / (1 + e^−x): the quotient keeps its relative accuracy down to the smallest normal. */
export function sigmoid(x: Instruction): Instruction {
  return div(number(1), add(expOfNegative(atLeast(atMost(x, 87.6), -88.8)), number(1)));
}

/** e^x − 1 = 2·(2^(n−1)·(e^r − 1) + (2^(n−1) − ½)): the halves keep 2ⁿ from overflowing before its time. */
export function expm1(x: Instruction): Instruction {
  const bounded = atLeast(atMost(x, 88.8), -25);
  const { n, power } = split(mul(bounded, number(LOG2_E)), -1);
  const r = sub(sub(bounded, mul(n, number(LN2_HIGH))), mul(n, number(LN2_LOW)));
  const part = add(mul(mul(r, r), polynomial(r, narrow)), r);
  const half = add(mul(power, part), sub(power, number(0.5)));
  return add(half, half);
}

/** tanh x = m / (2 − m) with m = 1 − e^(−2|x|), and the sign of x. */
export function tanh(x: Instruction): Instruction {
  const size = atMost(simd("f32x4.abs", x), 10);
  const double = add(size, size);
  const { n, power } = split(mul(double, number(-LOG2_E)));
  const q = add(add(double, mul(n, number(LN2_HIGH))), mul(n, number(LN2_LOW)));
  const part = sub(q, mul(mul(q, q), polynomial(q, mirrored(narrow))));
  const m = add(mul(power, part), sub(number(1), power));
  return withSignOf(x, div(m, sub(number(2), m)));
}
