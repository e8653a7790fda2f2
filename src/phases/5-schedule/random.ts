/**
 * The `random` op as vector integer arithmetic: the exact bits of ir/tensor/random.ts, four positions at a time.
 *
 * The keys depend on (seed, stream) alone and are made once per row; each element takes two rounds of multiply and xor-shift.
 */
import type { Expression } from "../../ir/loop/node.ts";
import { binary, f32x4, i32, i32x4, mul, unary } from "../../ir/loop/build.ts";
import { mixBits } from "../../ir/tensor/random.ts";

const all = (value: number): Expression => i32x4(value, value, value, value);
const shifted = (x: Expression, bits: number): Expression => binary("ixor", x, binary("ishr", x, i32(bits)));
const times = (x: Expression, factor: number): Expression => binary("imul", x, all(factor));

/** Binds an expression to a local that is set before the innermost loop; the result reads the local. */
export type Bind = (value: Expression) => Expression;

function mix(x: Expression, bind: Bind): Expression {
  const first = bind(times(bind(shifted(x, 16)), 0x7feb352d));
  const second = bind(times(bind(shifted(first, 15)), 0x846ca68b));
  return bind(shifted(second, 16));
}

/** Uniform numbers in [0, 1) for four positions. `once` binds before the loop, `here` inside it. */
export function randomVector(seed: Expression, stream: number, position: Expression, once: Bind, here: Bind): Expression {
  const k0 = mix(once(binary("iadd", seed, all(mixBits((stream + 0x9e3779b9) | 0)))), once);
  const k1 = mix(once(binary("ixor", k0, all(0x85ebca6b | 0))), once);
  let x = here(binary("iadd", position, k0));
  x = here(times(here(shifted(x, 16)), 0x7feb352d));
  x = here(times(here(binary("ixor", shifted(x, 15), k1)), 0x846ca68b));
  x = here(shifted(x, 16));
  return mul(unary("to_f32x4", binary("ishr", x, i32(8))), f32x4(2 ** -24));
}
