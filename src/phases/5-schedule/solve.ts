/**
 * A triangular system as loops: row after row, eight vectors of columns at a time in registers.
 *
 *     x_i = r_i + Σ_{j<i} L[i, j]·x_j
 *
 * In: a solve step whose places have addresses. Out: a loop function of (T, t, n). A row's sum runs over j in the order of the substitution, whatever the number of
 * columns, so an element's bits do not depend on where it lies.
 */
import type { Expression, Lanes, LoopFunction, Statement } from "../../ir/loop/node.ts";
import {
  add32,
  f32x4Local,
  forLoop,
  i32,
  i32Local,
  letLocal,
  load,
  loopFunction,
  mul32,
  multiplyAdd,
  splat,
  store,
  sub32,
} from "../../ir/loop/build.ts";
import { strideOf, type Access } from "./access.ts";
import { KERNEL_PARAMETERS, SHARED_PARAMETERS, type AddressOf, type Sharing } from "./nest.ts";
import { alone, shareOf } from "./share.ts";
import type { SolveStep } from "./step.ts";

/** Vectors of columns that stay in registers. */
const VECTORS = 8;

/** The loop function of a triangular system. */
export function lowerSolve(step: SolveStep, name: string, addressOf: AddressOf, bound: boolean, sharing: Sharing): LoopFunction {
  const shared = sharing === "none" ? -1 : step.outer.findIndex((loop) => sharing === "work" || loop.axis === "b");
  const start = (access: Access): Expression => {
    let sum: Expression = i32(addressOf(access.place) + 4 * access.offset);
    if (bound && !access.place.strip) sum = add32(mul32(i32Local("t"), i32(4 * strideOf(access, "t"))), sum);
    step.outer.forEach(({ axis }, d) => {
      sum = add32(mul32(i32Local(`o${d}`), i32(4 * strideOf(access, axis))), sum);
    });
    return sum;
  };
  let body: Statement[] = [
    letLocal("l", start(step.l)),
    letLocal("r", start(step.r)),
    letLocal("x", start(step.x)),
    ...blocksOf(step.columns.size).map(({ column, lanes }) => forLoop("k", i32(0), i32(step.rows.size), 1, rowOf(step, column, lanes))),
  ];
  for (let d = step.outer.length - 1; d >= 0; d--) {
    const range = d === shared ? ([i32Local("lo"), i32Local("hi")] as const) : ([i32(0), i32(step.outer[d].size)] as const);
    body = [forLoop(`o${d}`, ...range, 1, body)];
  }
  if (sharing !== "none") body = shared < 0 ? alone(body) : [...shareOf(i32(step.outer[shared].size), 1), ...body];
  return loopFunction(name, sharing === "none" ? KERNEL_PARAMETERS : SHARED_PARAMETERS, body, step.label);
}

/** Blocks of columns, each as the lanes of its vectors. */
function blocksOf(columns: number): { column: number; lanes: Lanes[] }[] {
  const blocks: { column: number; lanes: Lanes[] }[] = [];
  for (let column = 0; column < columns; column += 4 * VECTORS) {
    const lanes: Lanes[] = [];
    for (let v = column; v < Math.min(columns, column + 4 * VECTORS); v += 4) lanes.push(Math.min(4, columns - v) as Lanes);
    blocks.push({ column, lanes });
  }
  return blocks;
}

/** The k-th row of the substitution, for one block of columns. */
function rowOf({ rows, summed, l, r, x, reverse }: SolveStep, column: number, lanes: readonly Lanes[]): Statement[] {
  const at = (k: string): Expression => (reverse ? sub32(i32(rows.size - 1), i32Local(k)) : i32Local(k));
  const step = (access: Access, axis: string): Expression => i32(4 * strideOf(access, axis));
  const sums = lanes.map((_, v) => f32x4Local(`sum${v}`));
  return [
    letLocal("row", at("k")),
    letLocal("from", add32(i32Local("r"), mul32(i32Local("row"), step(r, rows.axis)))),
    letLocal("weights", add32(i32Local("l"), mul32(i32Local("row"), step(l, rows.axis)))),
    ...lanes.map((count, v) => letLocal(`sum${v}`, load(i32Local("from"), 4 * (column + 4 * v), count))),
    forLoop("j", i32(0), i32Local("k"), 1, [
      letLocal("other", at("j")),
      letLocal("weight", splat(add32(i32Local("weights"), mul32(i32Local("other"), step(l, summed))), 0)),
      letLocal("known", add32(i32Local("x"), mul32(i32Local("other"), step(x, rows.axis)))),
      ...lanes.map((count, v) =>
        letLocal(`sum${v}`, multiplyAdd(f32x4Local("weight"), load(i32Local("known"), 4 * (column + 4 * v), count), sums[v])),
      ),
    ]),
    letLocal("to", add32(i32Local("x"), mul32(i32Local("row"), step(x, rows.axis)))),
    ...lanes.map((count, v) => store(i32Local("to"), 4 * (column + 4 * v), sums[v], count)),
  ];
}
