/** What a pass looks like two vectors at a time, and that it does the same as one at a time. */
import { expect, test } from "vitest";
import {
  add,
  binary,
  f32x4Local,
  forLoop,
  i32,
  i32Local,
  i32x4,
  letLocal,
  load,
  loopFunction,
  mul32,
  spread,
  store,
  unary,
} from "../../ir/loop/build.ts";
import { interpretLoops } from "../../ir/loop/interpret.ts";
import type { LoopFunction, Statement } from "../../ir/loop/node.ts";
import { printLoopFunction } from "../../ir/loop/print.ts";
import { verifyLoopModule } from "../../ir/loop/verify.ts";
import { joinVectors } from "./join.ts";

const v = i32Local("v");
const at = mul32(v, i32(4));

/** x doubled into y, its sum in a register, and the positions of its elements. */
const pass = (elements: number): LoopFunction =>
  loopFunction(
    "f",
    [],
    [
      letLocal("sum", unary("neg", load(i32(0)))),
      forLoop("v", i32(0), i32(elements), 4, [
        letLocal("x", load(at, 64)),
        letLocal("sum", add(f32x4Local("sum"), f32x4Local("x"))),
        letLocal("n", binary("iadd", spread(v), i32x4(0, 1, 2, 3))),
        store(at, 256, add(f32x4Local("x"), f32x4Local("x"))),
        store(at, 512, unary("to_f32x4", { kind: "local", name: "n", type: "i32x4" })),
      ]),
      store(i32(0), 16, f32x4Local("sum")),
    ],
  );

function memoryAfter(each: LoopFunction): readonly number[] {
  const buffer = new ArrayBuffer(1024);
  new Float32Array(buffer).forEach((_, i, all) => {
    all[i] = Math.sin(i) * 10 ** ((i % 5) - 2);
  });
  const module = { functions: [each], exports: ["f"] };
  verifyLoopModule(module);
  interpretLoops(module, "f", [], buffer);
  return [...new Float32Array(buffer)];
}

test("pairs are written side by side, positions and sums keep their order", () => {
  expect(printLoopFunction(joinVectors(pass(20)))).toBe(`function f()
  sum: f32x4 = neg(load[0])
  for v = 0 to 16 step 8
    x0: i32 = v * 4
    x: f32x4 = load[x0 + 64]
    sum: f32x4 = sum + x
    n: i32x4 = iadd(spread(v), i32x4(0, 1, 2, 3))
    xb: f32x4 = load[x0 + 80]
    sum: f32x4 = sum + xb
    nb: i32x4 = iadd(iadd(spread(v), i32x4(4, 4, 4, 4)), i32x4(0, 1, 2, 3))
    store_pair[x0 + 256] = x + x | xb + xb
    store_pair[x0 + 512] = to_f32x4(n) | to_f32x4(nb)
  for v = 16 to 20 step 4
    x: f32x4 = load[v * 4 + 64]
    sum: f32x4 = sum + x
    n: i32x4 = iadd(spread(v), i32x4(0, 1, 2, 3))
    store[v * 4 + 256] = x + x
    store[v * 4 + 512] = to_f32x4(n)
  store[0 + 16] = sum
`);
});

test.each([4, 8, 12, 20, 32])("%i elements: the same memory", (elements) => {
  expect(memoryAfter(joinVectors(pass(elements)))).toEqual(memoryAfter(pass(elements)));
});

test("a loop that stores what it carries, one that stores before it reads on, and short ones stay as they are", () => {
  const x = letLocal("x", load(at, 64));
  const bodies: readonly (readonly Statement[])[] = [
    [x, letLocal("sum", add(f32x4Local("sum"), f32x4Local("x"))), store(at, 256, f32x4Local("sum"))],
    [x, store(at, 256, f32x4Local("x")), letLocal("y", load(at, 512)), store(at, 768, f32x4Local("y"))],
    [letLocal("x", load(at, 64, 2)), store(at, 256, f32x4Local("x"), 2)],
  ];
  for (const body of bodies) {
    const each = loopFunction("f", [], [letLocal("sum", load(i32(0))), forLoop("v", i32(0), i32(32), 4, body)]);
    expect(joinVectors(each)).toEqual(each);
  }
  expect(joinVectors(pass(4))).toEqual(pass(4));
});
