/**
 * log, log1p, softplus, log_sigmoid on four float32 lanes: u = 2ᵏ·(1 + f) with 1 + f in [√½, √2),
 *
 *     log(1 + f) = f − f²/2 + s·(f²/2 + R(s²)),   s = f / (2 + f)
 *
 * @source the form is that of the FreeBSD mathematical library (Sun Microsystems, 1993); the polynomial R is a minimax fit of its own.
 */
import { constantLanes, type Instruction, simd } from "../instruction.ts";
import { add, atLeast, atMost, choose, div, mul, number, polynomial, shift, sub } from "./arithmetic.ts";
import { expOfNegative } from "./exponential.ts";

/** R(z)/z on f in [√½ − 1, √2 − 1), relative error of the logarithm 2^−30. */
const remainder = [0.66666776, 0.39977568, 0.29871464];
/** ln 2 in two: k·LN2_HIGH is exact for |k| < 2⁹. */
const LN2_HIGH = 0.693138122558594;
const LN2_LOW = 9.0580006145e-6;
/** The bits of √½. */
const ROOT_HALF = 0x3f3504f3;

interface Decomposed {
  /** k·2²³ as an i32. */
  readonly exponentBits: Instruction;
  /** k as a float32. */
  readonly exponent: Instruction;
  /** f, exact. */
  readonly fraction: Instruction;
}

/** u = 2^exponent · (1 + fraction) for a positive normal u. */
function decompose(u: Instruction): Decomposed {
  const above = simd("i32x4.sub", u, constantLanes(ROOT_HALF));
  const exponentBits = simd("v128.and", above, constantLanes(-(2 ** 23)));
  return {
    exponentBits,
    exponent: simd("f32x4.convert_i32x4_s", shift("i32x4.shr_s", above, 23)),
    fraction: sub(simd("i32x4.sub", u, exponentBits), number(1)),
  };
}

/** k·ln 2 + log(1 + f). */
function logOf(k: Instruction, f: Instruction): Instruction {
  const s = div(f, add(f, number(2)));
  const z = mul(s, s);
  const halfSquare = mul(mul(f, f), number(0.5));
  const tail = add(mul(s, add(halfSquare, mul(z, polynomial(z, remainder)))), mul(k, number(LN2_LOW)));
  return add(add(sub(tail, halfSquare), f), mul(k, number(LN2_HIGH)));
}

/** The result where 0 < u < ∞; −∞ at 0, ∞ at ∞, NaN elsewhere. */
function withEnds(u: Instruction, result: Instruction): Instruction {
  const inside = simd("v128.and", simd("f32x4.gt", u, number(0)), simd("f32x4.lt", u, number(Number.POSITIVE_INFINITY)));
  const outside = choose(simd("f32x4.eq", u, number(0)), number(Number.NEGATIVE_INFINITY), simd("f32x4.sqrt", u));
  return choose(inside, result, outside);
}

/** Natural logarithm; denormal arguments are scaled into the normal range first. */
export function log(x: Instruction): Instruction {
  const denormal = simd("f32x4.lt", x, number(2 ** -126));
  const { exponent, fraction } = decompose(choose(denormal, mul(x, number(2 ** 23)), x));
  return withEnds(x, logOf(sub(exponent, simd("v128.and", denormal, number(23))), fraction));
}

/** log(1 + x) for u = 1 + x: what rounding took from x comes back into f as (x − (u − 1))·2^−k. */
function log1pOf(x: Instruction, u: Instruction, limitExponent: boolean): Instruction {
  const { exponentBits, exponent, fraction } = decompose(u);
  const lost = sub(x, sub(u, number(1)));
  // Above 2¹⁰⁰ nothing is lost that counts; without the limit 2^−k would leave the range of exponents.
  const limited = limitExponent ? simd("i32x4.min_s", exponentBits, constantLanes(100 * 2 ** 23)) : exponentBits;
  const down = simd("i32x4.sub", constantLanes(127 * 2 ** 23), limited);
  return logOf(exponent, add(fraction, mul(lost, down)));
}

/** log(1 + x) with full relative accuracy near 0. */
export function log1p(x: Instruction): Instruction {
  const u = add(x, number(1));
  return withEnds(u, log1pOf(x, u, true));
}

/** log(1 + e^−|x|). */
function softTail(x: Instruction): Instruction {
  const e = expOfNegative(atMost(simd("f32x4.abs", x), 87.6));
  return log1pOf(e, add(e, number(1)), false);
}

/** log(1 + e^x) = max(x, 0) + log(1 + e^−|x|). */
export function softplus(x: Instruction): Instruction {
  return add(atLeast(x, 0), softTail(x));
}

/** log σ(x) = min(x, 0) − log(1 + e^−|x|). */
export function logSigmoid(x: Instruction): Instruction {
  return sub(atMost(x, 0), softTail(x));
}
