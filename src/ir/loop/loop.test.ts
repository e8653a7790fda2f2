/**
 * The loop language by hand: what constructors fold, what printing shows, what verification refuses, what interpretation means.
 */
import { expect, test } from "vitest";
import {
  across,
  add,
  add32,
  barrier,
  binary,
  call,
  clear,
  copy,
  declare,
  f32x4,
  f32x4Local,
  forLoop,
  i32,
  i32Local,
  i32x4,
  less32,
  letLocal,
  load,
  local,
  loopFunction,
  mul32,
  multiplyAdd,
  select,
  splat,
  spread,
  store,
  sub32,
  unary,
  when,
} from "./build.ts";
import { interpretLoops } from "./interpret.ts";
import type { LoopFunction, Statement } from "./node.ts";
import { printExpression, printLoopModule } from "./print.ts";
import { erf, sigmoid, softplus } from "./reference.ts";
import { verifyLoopModule } from "./verify.ts";

const [x, n] = [i32Local("x"), i32Local("n")];

test("integer arithmetic folds constants and gathers them", () => {
  expect(add32(i32(2 ** 31 - 1), i32(1))).toEqual(i32(-(2 ** 31)));
  expect(add32(x, i32(0))).toBe(x);
  expect(printExpression(add32(add32(x, i32(4)), add32(i32(8), n)))).toBe("x + n + 12");
  expect(printExpression(sub32(add32(x, i32(4)), i32(4)))).toBe("x");
  expect(printExpression(mul32(i32(8), add32(x, i32(4))))).toBe("x * 8 + 32");
  expect(printExpression(mul32(mul32(x, i32(3)), i32(4)))).toBe("x * 12");
  expect(mul32(x, i32(0))).toEqual(i32(0));
  expect(printExpression(mul32(sub32(x, n), i32(4)))).toBe("(x - n) * 4");
});

test("constant parts of an address move into the offset, but never below 0", () => {
  expect(load(add32(x, i32(16)), 4)).toEqual({ kind: "load", type: "f32x4", lanes: 4, address: x, offset: 20 });
  expect(load(add32(x, i32(-16)), 4)).toMatchObject({ offset: 4, address: { kind: "integer" } });
  expect(load(i32(64), 4)).toMatchObject({ address: i32(0), offset: 68 });
});

const scale: LoopFunction = loopFunction(
  "scale",
  [declare("x", "i32"), declare("n", "i32")],
  [
    forLoop("i", i32(0), mul32(n, i32(4)), 16, [
      letLocal("v", load(add32(x, i32Local("i")), 0, 3)),
      when(
        less32(i32Local("i"), i32(16)),
        [store(add32(x, i32Local("i")), 64, multiplyAdd(f32x4(0.1), f32x4Local("v"), f32x4(1)), 3)],
        [store(x, 0, select(binary("iless", i32x4(0, 1, 2, 3), spread(n)), splat(x), across("add", f32x4Local("v"), 2)))],
      ),
    ]),
  ],
  "y = x/10 + 1",
);

test("a module prints as indented text", () => {
  const main = loopFunction("main", [], [call("scale", i32(0), i32(4)), clear(i32(0), i32(8)), copy(i32(0), i32(64), i32(8))]);
  expect(printLoopModule({ functions: [scale, main], exports: ["main"] })).toBe(`function scale(x: i32, n: i32)  — y = x/10 + 1
  for i = 0 to n * 4 step 16
    v: f32x4 = load.3[x + i]
    if i < 16
      store.3[x + i + 64] = multiply_add(0.1, v, 1.0)
    else
      store[x] = select(iless(i32x4(0, 1, 2, 3), spread(n)), splat[x], across_add.2(v))

export function main()
  scale(0, 4)
  clear 8 bytes at 0
  copy 8 bytes to 0 from 64
`);
});

test("interpretation rounds every operation to float32 and leaves unread lanes 0", () => {
  const memory = new ArrayBuffer(256);
  const cells = new Float32Array(memory);
  cells.set([0.1, 0.2, 0.3, 9]);
  interpretLoops({ functions: [scale], exports: [] }, "scale", [0, 4], memory);
  const tenth = Math.fround(0.1);
  const expected = [0.1, 0.2, 0.3].map((each) => Math.fround(Math.fround(tenth * Math.fround(each)) + 1));
  expect([...cells.subarray(16, 20)]).toEqual([...expected, 0]);
});

test("the order of a sum across lanes is (0+1)+(2+3)", () => {
  const memory = new ArrayBuffer(64);
  const cells = new Float32Array(memory);
  cells.set([1, 2 ** 24, -(2 ** 24), 1]);
  const body = [store(i32(16), 0, across("add", load(i32(0)))), store(i32(32), 0, across("add", load(i32(0)), 3))];
  interpretLoops({ functions: [loopFunction("f", [], body)], exports: [] }, "f", [], memory);
  expect(cells[4]).toBe(Math.fround(1 + 2 ** 24) + Math.fround(1 - 2 ** 24));
  expect(cells[8]).toBe(Math.fround(1 + 2 ** 24) - 2 ** 24);
});

test("verification refuses what later stages could not bear", () => {
  const refuse = (message: RegExp, body: readonly Statement[], others: readonly LoopFunction[] = []) => {
    const each = loopFunction("f", [declare("x", "i32")], body);
    expect(() => verifyLoopModule({ functions: [each, ...others], exports: [] })).toThrow(message);
  };
  const one = f32x4(1);
  refuse(/"y" may be read before it is bound/, [store(x, 0, f32x4Local("y"))]);
  refuse(/"y" may be read/, [when(x, [letLocal("y", one)]), store(x, 0, f32x4Local("y"))]);
  refuse(/"y" may be read/, [forLoop("k", x, x, 1, [letLocal("y", one)]), store(x, 0, f32x4Local("y"))]);
  refuse(/"k" may be read/, [forLoop("k", x, x, 1, []), letLocal("z", i32Local("k"))]);
  refuse(/counter "k" is bound/, [forLoop("k", x, x, 1, [letLocal("k", x)])]);
  refuse(/share the counter "k"/, [forLoop("k", x, x, 1, [forLoop("k", x, x, 1, [])])]);
  refuse(/steps by 0/, [forLoop("k", x, x, 0, [])]);
  refuse(/"x" is i32 and f32x4/, [letLocal("x", one)]);
  refuse(/is f32x4 in/, [letLocal("y", binary("iadd", one, i32x4(1, 2, 3, 4)))]);
  refuse(/"x" is not f32x4/, [letLocal("y", add(local("x", "f32x4"), one))]);
  refuse(/a condition is f32x4, not i32/, [when(one, [])]);
  refuse(/the offset -4/, [{ kind: "store", type: "f32x4", lanes: 4, address: x, offset: -4, value: one }]);
  refuse(/not a float32/, [letLocal("y", { kind: "f32x4", value: 0.1 })]);
  refuse(/a barrier at 2/, [barrier(2, x)]);
  refuse(/"g", which does not exist/, [call("g")]);
  const g = loopFunction("g", [declare("y", "f32x4")], [call("f", i32(0))]);
  refuse(/takes 1 arguments/, [call("g")], [g]);
  refuse(/argument "y" of "g" is i32/, [call("g", x)], [g]);
  refuse(/in a circle: f → g → f/, [call("g", one)], [g]);
  expect(() => verifyLoopModule({ functions: [], exports: ["f"] })).toThrow(/"f" does not exist/);
  expect(() => verifyLoopModule({ functions: [scale], exports: ["scale"] })).not.toThrow();
});

test("a local that both branches bind may be read after them", () => {
  const body = [when(x, [letLocal("y", f32x4(1))], [letLocal("y", f32x4(2))]), store(x, 0, unary("neg", f32x4Local("y")))];
  expect(() => verifyLoopModule({ functions: [loopFunction("f", [declare("x", "i32")], body)], exports: [] })).not.toThrow();
});

test("references agree with tabulated values", () => {
  expect(erf(0.5)).toBeCloseTo(0.5204998778130465, 15);
  expect(erf(-2)).toBeCloseTo(-0.9953222650189527, 15);
  expect(erf(5.9)).toBe(1);
  expect(sigmoid(-100) / 3.720075976020836e-44).toBeCloseTo(1, 12);
  expect(softplus(-50) / 1.9287498479639178e-22).toBeCloseTo(1, 12);
  expect(softplus(800)).toBe(800);
});
