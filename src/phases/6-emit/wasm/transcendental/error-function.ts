/**
 * erf on four float32 lanes: x + x·P(x²) below 0.875, 1 − e^Q(|x|) above (Q fits log erfc), 1 from 4 on. Both are minimax fits.
 */
import { type Instruction, simd } from "../instruction.ts";
import { add, atMost, choose, mul, number, polynomial, sub, withSignOf } from "./arithmetic.ts";
import { exp } from "./exponential.ts";

const JOINT = 0.875;
const near = [0.12837915, -0.37612504, 0.11281922, -0.026770486, 0.004998928, -0.00060204905];
const far = [-0.00013235412, -1.1279414, -0.63672805, -0.10433589, 0.022424424, -0.0030933898, 0.00020111239];

export function erf(x: Instruction): Instruction {
  const size = atMost(simd("f32x4.abs", x), 4);
  const inner = add(mul(size, polynomial(mul(size, size), near)), size);
  const outer = sub(number(1), exp(polynomial(size, far)));
  return withSignOf(x, choose(simd("f32x4.lt", size, number(JOINT)), inner, outer));
}
