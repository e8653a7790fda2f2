/**
 * Emitted code against the interpreter of the loop language: random functions over random memories, bit for bit; then the shapes that random
 * functions seldom meet.
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import {
  across,
  add32,
  and32,
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
  integer,
  letLocal,
  load,
  loadI32,
  local,
  loopFunction,
  mul32,
  multiplyAdd,
  select,
  splat,
  spread,
  store,
  storePair,
  sub,
  unary,
  when,
} from "../../../ir/loop/build.ts";
import { interpretLoops } from "../../../ir/loop/interpret.ts";
import type { Expression, IntegerOp, Lanes, LoopModule, LoopType, Statement, VectorBinary, VectorUnary } from "../../../ir/loop/node.ts";
import { printLoopModule } from "../../../ir/loop/print.ts";
import { verifyLoopModule } from "../../../ir/loop/verify.ts";
import { type EmitOptions, emitWasm } from "./emit.ts";

/** Floats lie below INTEGERS, integers from there on, so that no NaN is ever read as an integer. */
const INTEGERS = 1024;
/** From here on a module may keep its constants. */
const CONSTANTS = 60_000;
const PAGE = 65536;

function runEmitted(module: LoopModule, name: string, args: readonly number[], memory: WebAssembly.Memory, options?: EmitOptions): void {
  const bytes = emitWasm(module, options) as BufferSource;
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory, absent: () => 0 } });
  (instance.exports[name] as (...args: readonly number[]) => void)(...args);
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((each) => each.toString(16).padStart(2, "0")).join("");
}

function filledMemory(random: Random): WebAssembly.Memory {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const special = [0, -0, 1, -1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e-40, 3.4e38];
  const floats = new Float32Array(memory.buffer, 0, INTEGERS / 4);
  for (let index = 0; index < floats.length; index += 1) {
    floats[index] = random.below(8) === 0 ? special[random.below(special.length)] : (random.below(2001) - 1000) / 2 ** random.below(12);
  }
  const integers = new Int32Array(memory.buffer, INTEGERS, INTEGERS / 4);
  for (let index = 0; index < integers.length; index += 1) integers[index] = random.below(3) === 0 ? random.bits() : random.below(16) - 8;
  return memory;
}

/** Runs both and says where they differ; NaN equals NaN. */
function expectSame(module: LoopModule, name: string, args: readonly number[], memory: WebAssembly.Memory, options?: EmitOptions): void {
  verifyLoopModule(module);
  const wanted = memory.buffer.slice(0);
  interpretLoops(module, name, args, wanted);
  runEmitted(module, name, args, memory, options);
  const show = (buffer: ArrayBuffer) => [
    ...new Float32Array(buffer, 0, INTEGERS / 4),
    ...new Int32Array(buffer, INTEGERS, (CONSTANTS - INTEGERS) / 4),
  ];
  const [found, expected] = [show(memory.buffer), show(wanted)];
  const at = found.findIndex((value, index) => !Object.is(value, expected[index]));
  expect(at === -1 ? "same" : `word ${at}: ${found[at]}, not ${expected[at]}\n${printLoopModule(module)}`).toBe("same");
}

interface Random {
  readonly bits: () => number;
  readonly below: (bound: number) => number;
}

function createRandom(seed: number): Random {
  let state = seed;
  const bits = () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return mixed ^ (mixed >>> 15);
  };
  return { bits, below: (bound) => (bits() >>> 0) % bound };
}

const exactUnaries: readonly VectorUnary[] = ["neg", "abs", "sign", "step", "recip", "sqrt", "relu"];
const floatBinaries: readonly VectorBinary[] = ["add", "sub", "mul", "div", "max", "min", "less", "less_equal", "equal"];
const lanesBinaries: readonly VectorBinary[] = ["iadd", "isub", "imul", "ixor", "iand"];
const lanesComparisons: readonly VectorBinary[] = ["iless", "iless_equal", "iequal"];
const integerOps: readonly IntegerOp[] = ["add", "sub", "mul", "min", "less", "less_equal", "equal", "and"];

/** A random function: every kind of statement and expression, in types that fit, reading only what is bound. */
function randomModule(random: Random): LoopModule {
  const pick = <T>(items: readonly T[]): T => items[random.below(items.length)];
  const lanes = (): Lanes => pick([1, 2, 3, 4] as const);
  let names = 0;

  const expression = (type: LoopType, bound: ReadonlyMap<string, LoopType>, depth: number): Expression => {
    const inner = (wanted: LoopType) => expression(wanted, bound, depth - 1);
    const known = [...bound].filter(([, each]) => each === type).map(([name]) => local(name, type));
    if (known.length > 0 && random.below(3) === 0) return pick(known);
    if (type === "i32") {
      if (depth <= 0 || random.below(4) === 0) return i32(random.below(40) - 8);
      if (random.below(6) === 0) return loadI32(place("i32x4", bound, depth - 1), 4 * random.below(8));
      if (random.below(6) === 0) return integer(pick(["div", "rem"] as const), inner("i32"), i32(1 + random.below(9)));
      if (random.below(6) === 0) return integer("shl", inner("i32"), i32(random.below(5)));
      return integer(pick(integerOps), inner("i32"), inner("i32"));
    }
    if (type === "i32x4") {
      if (depth <= 0) return i32x4(random.bits(), random.below(9), -1, 0);
      switch (random.below(6)) {
        case 0:
          return load(place(type, bound, depth - 1), 4 * random.below(8), lanes(), type);
        case 1:
          return splat(place(type, bound, depth - 1), 4 * random.below(8), type);
        case 2:
          return spread(inner("i32"));
        case 3:
          return binary(pick(["ishl", "ishr"] as const), inner(type), i32(random.below(32)));
        case 4:
          return select(inner(pick(["f32x4", "i32x4"] as const)), inner(type), inner(type));
        default:
          return binary(pick(lanesBinaries), inner(type), inner(type));
      }
    }
    if (depth <= 0) return f32x4(pick([0, 1, -2.5, 1e-3]));
    switch (random.below(11)) {
      case 0:
        return load(place(type, bound, depth - 1), 4 * random.below(8), lanes());
      case 1:
        return splat(place(type, bound, depth - 1), 4 * random.below(8));
      case 2:
        return unary(pick(exactUnaries), inner(type));
      case 3:
        return unary("to_f32x4", inner("i32x4"));
      case 4:
        return multiplyAdd(inner(type), inner(type), inner(type));
      case 5:
        return select(condition(bound, depth - 1), inner(type), random.below(3) === 0 ? f32x4(0) : inner(type));
      case 6:
        return across(pick(["add", "max"] as const), inner(type), lanes());
      case 7:
        return binary(pick(lanesComparisons), inner("i32x4"), inner("i32x4"));
      case 8: {
        const shared = inner(type);
        return binary(pick(floatBinaries), shared, unary("neg", shared));
      }
      default:
        return binary(pick(floatBinaries), inner(type), inner(type));
    }
  };

  const condition = (bound: ReadonlyMap<string, LoopType>, depth: number): Expression => {
    const compare = () =>
      binary(pick(["less", "less_equal", "equal"] as const), expression("f32x4", bound, depth), expression("f32x4", bound, depth));
    switch (random.below(6)) {
      case 0:
        return binary("mul", compare(), compare());
      case 1:
        return binary("max", compare(), unary("step", expression("f32x4", bound, depth)));
      case 2:
        return sub(f32x4(1), compare());
      case 3:
        return expression("i32x4", bound, depth);
      case 4:
        return expression("f32x4", bound, depth);
      default:
        return compare();
    }
  };

  /** An address within the first 512 bytes of the region of a type. */
  const place = (type: LoopType, bound: ReadonlyMap<string, LoopType>, depth: number): Expression =>
    add32(and32(expression("i32", bound, depth), i32(252)), i32((type === "f32x4" ? 0 : INTEGERS) + 4 * random.below(32)));

  const statements = (bound: Map<string, LoopType>, nesting: number): Statement[] => {
    const out: Statement[] = [];
    for (let count = 1 + random.below(5); count > 0; count -= 1) {
      switch (random.below(nesting > 0 ? 8 : 5)) {
        case 0:
        case 1: {
          const type = pick(["i32", "f32x4", "i32x4"] as const);
          const again = [...bound].filter(([name, each]) => each === type && name.startsWith("v")).map(([name]) => name);
          const name = again.length > 0 && random.below(2) === 0 ? pick(again) : `v${names++}`;
          out.push(letLocal(name, expression(type, bound, 3)));
          bound.set(name, type);
          break;
        }
        case 2:
        case 3: {
          const type = pick(["f32x4", "i32x4"] as const);
          if (random.below(3) > 0) out.push(store(place(type, bound, 2), 4 * random.below(8), expression(type, bound, 4), lanes()));
          else out.push(storePair(place(type, bound, 2), 4 * random.below(8), expression(type, bound, 3), expression(type, bound, 3)));
          break;
        }
        case 4: {
          const type = pick(["f32x4", "i32x4"] as const);
          const length = and32(expression("i32", bound, 2), i32(60));
          out.push(random.below(2) === 0 ? clear(place(type, bound, 2), length) : copy(place(type, bound, 2), place(type, bound, 2), length));
          break;
        }
        case 5:
          out.push(when(expression("i32", bound, 2), statements(new Map(bound), nesting - 1), statements(new Map(bound), nesting - 1)));
          break;
        case 6: {
          const counter = `k${names++}`;
          const from = random.below(2) === 0 ? i32(random.below(4)) : and32(expression("i32", bound, 1), i32(7));
          const to = random.below(2) === 0 ? i32(random.below(8)) : and32(expression("i32", bound, 1), i32(7));
          out.push(forLoop(counter, from, to, 1 + random.below(3), statements(new Map(bound).set(counter, "i32"), nesting - 1)));
          break;
        }
        default:
          out.push(call("callee", expression("f32x4", bound, 2), expression("i32", bound, 2), expression("i32x4", bound, 2)));
      }
    }
    return out;
  };

  const params = [declare("p", "f32x4"), declare("q", "i32"), declare("r", "i32x4")];
  const callee = loopFunction("callee", params, statements(new Map(params.map((each) => [each.name, each.type])), 0));
  const main = loopFunction("main", [declare("n", "i32")], statements(new Map([["n", "i32"]]), 3));
  return { functions: [main, callee], exports: ["main"] };
}

test("400 random functions change the memory as the interpreter says, bit for bit", () => {
  let changing = 0;
  for (let seed = 0; seed < 400; seed += 1) {
    const random = createRandom(seed);
    const module = randomModule(random);
    const memory = filledMemory(random);
    const before = hex(new Uint8Array(memory.buffer, 0, 2 * INTEGERS));
    const constants = seed % 2 === 0 ? "code" : { address: CONSTANTS, bytes: 64 };
    expectSame(module, "main", [random.below(9)], memory, { constants, joins: seed % 3 === 0 });
    if (hex(new Uint8Array(memory.buffer, 0, 2 * INTEGERS)) !== before) changing += 1;
  }
  expect(changing).toBeGreaterThan(300);
});

test("stores and loads of 1, 2, 3 lanes touch nothing beyond them", () => {
  for (const count of [1, 2, 3, 4] as const) {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const cells = new Float32Array(memory.buffer);
    cells.fill(7);
    cells.set([1, 2, 3, 4].slice(0, count), PAGE / 4 - count); // the last lanes of the memory: a wider load would trap
    const last = load(i32(PAGE - 4 * count), 0, count);
    const both = [store(i32(16), 0, last, count), store(i32(64), 0, last)];
    runEmitted({ functions: [loopFunction("f", [], both)], exports: ["f"] }, "f", [], memory);
    expect([...cells.subarray(3, 9)]).toEqual([7, ...[1, 2, 3, 4].slice(0, count), ...Array(5 - count).fill(7)]);
    expect([...cells.subarray(16, 20)]).toEqual([...[1, 2, 3, 4].slice(0, count), ...Array(4 - count).fill(0)]);
  }
});

test("NaN comes out of max and min whichever operand it is, and out of both reductions", () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const cells = new Float32Array(memory.buffer);
  cells.set([Number.NaN, 1, Number.NaN, -1, 2, Number.NaN, Number.NaN, 3]);
  const [a, b] = [load(i32(0)), load(i32(16))];
  const values = [
    binary("max", a, b),
    binary("min", a, b),
    binary("max", a, f32x4(0)),
    binary("max", f32x4(5), a),
    binary("min", f32x4(0), a),
    across("max", a),
    across("add", a, 3),
    unary("relu", a),
  ];
  const body = values.map((value, index) => store(i32(64 + 16 * index), 0, value));
  runEmitted({ functions: [loopFunction("f", [], body)], exports: ["f"] }, "f", [], memory);
  const row = (index: number) => [...cells.subarray(16 + 4 * index, 20 + 4 * index)];
  const { NaN: nan } = Number;
  expect(values.map((_, index) => row(index))).toEqual([
    [nan, nan, nan, 3],
    [nan, nan, nan, -1],
    [nan, 1, nan, 0],
    [nan, 5, nan, 5],
    [nan, 0, nan, -1],
    [nan, nan, nan, nan],
    [nan, nan, nan, nan],
    [nan, 1, nan, 0],
  ]);
});

test("a condition reaches select as a mask: no constant 1.0 is made on the way", () => {
  const [x, y] = [f32x4Local("x"), f32x4Local("y")];
  const constantsFor = (condition: Expression) => {
    const body = [store(i32(0), 0, select(condition, x, y))];
    const bytes = emitWasm({ functions: [loopFunction("f", [declare("x", "f32x4"), declare("y", "f32x4")], body)], exports: [] });
    return hex(bytes).split("fd0c").length - 1;
  };
  expect(constantsFor(binary("less", x, y))).toBe(0);
  expect(constantsFor(binary("mul", binary("less", x, y), binary("equal", x, y)))).toBe(0);
  expect(constantsFor(binary("mul", x, y))).toBe(1);
});

test("`to` is evaluated once, and a loop of no rounds leaves everything as it was", () => {
  const memory = filledMemory(createRandom(1));
  const n = i32Local("n");
  const shrinking = [
    letLocal("n", i32(5)),
    letLocal("sum", i32(0)),
    forLoop("k", i32(0), n, 1, [letLocal("n", i32(0)), letLocal("sum", add32(i32Local("sum"), i32(1)))]),
    forLoop("k", i32(3), i32(3), 1, [letLocal("sum", i32(-1))]),
    forLoop("k", i32(0), n, 1, [letLocal("sum", i32(-1))]),
    store(i32(INTEGERS), 0, spread(i32Local("sum"))),
  ];
  expectSame({ functions: [loopFunction("f", [declare("n", "i32")], shrinking)], exports: ["f"] }, "f", [0], memory);
  expect(new Int32Array(memory.buffer)[INTEGERS / 4]).toBe(5);
});

test("transcendentals in a loop agree with the interpreter to a few ulp, alone and together", () => {
  const ops: readonly VectorUnary[] = ["exp", "expm1", "log", "log1p", "sin", "cos", "erf", "sigmoid", "tanh", "softplus", "log_sigmoid"];
  const memory = new WebAssembly.Memory({ initial: 1 });
  const cells = new Float32Array(memory.buffer);
  for (let index = 0; index < 64; index += 1) cells[index] = 0.05 + index / 9;
  const x = load(mul32(i32Local("k"), i32(16)));
  const total = ops.map((op) => unary(op, x)).reduce((sum, each) => binary("add", sum, each));
  const body = [forLoop("k", i32(0), i32(16), 1, [store(mul32(i32Local("k"), i32(16)), 256, binary("mul", total, binary("pow", x, f32x4(1.5))))])];
  const module: LoopModule = { functions: [loopFunction("f", [], body)], exports: ["f"] };
  const wanted = memory.buffer.slice(0);
  interpretLoops(module, "f", [], wanted);
  runEmitted(module, "f", [], memory);
  const expected = new Float32Array(wanted);
  for (let index = 64; index < 128; index += 1) expect(Math.abs(cells[index] / expected[index] - 1)).toBeLessThan(1e-6);
});

test("a shared memory may be imported, and fused code is the same but for relaxed_madd", () => {
  const body = [store(i32(0), 0, multiplyAdd(load(i32(0)), load(i32(16)), load(i32(32))))];
  const module: LoopModule = { functions: [loopFunction("f", [], body)], exports: ["f"] };
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 8, shared: true });
  const shared: EmitOptions = { memory: { import: ["env", "memory"], initialPages: 1, maximumPages: 8, shared: true } };
  new Float32Array(memory.buffer).set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  runEmitted(module, "f", [], memory, shared);
  expect([...new Float32Array(memory.buffer, 0, 4)]).toEqual([14, 22, 32, 44]);

  const fused = emitWasm(module, { fused: true });
  expect(hex(fused)).toContain("fd8502");
  expect(hex(emitWasm(module))).not.toContain("fd8502");
});

test("with names, a trap tells in which function it happened", () => {
  const body = [store(i32(0), 0, load(i32(PAGE), 0))];
  const module: LoopModule = { functions: [loopFunction("reads too far", [], body)], exports: ["reads too far"] };
  const trace = (options: EmitOptions): string => {
    try {
      runEmitted(module, "reads too far", [], new WebAssembly.Memory({ initial: 1 }), options);
    } catch (error) {
      return String((error as Error).stack);
    }
    return "";
  };
  expect(trace({ names: true })).toMatch(/at wasm:.*reads too far|reads too far.*wasm:/);
  expect(trace({})).toMatch(/RuntimeError/);
});

test("threads meet at a barrier: none goes on before all have come, awake or asleep", async () => {
  const [p, threads, round] = [i32Local("p"), i32Local("P"), i32Local("round")];
  const cell = (which: Expression): Expression => add32(mul32(which, i32(64)), i32(64));
  const neighbour = integer("rem", add32(p, i32(1)), threads);
  const mistake = integer("sub", i32(1), integer("equal", loadI32(cell(neighbour)), round));
  const meet = barrier(0, threads);
  // Thread 0 is late now and then, so that the others fall asleep.
  const dawdle = when(integer("equal", integer("rem", add32(round, p), i32(500)), i32(0)), [
    forLoop("w", i32(0), i32(2_000_000), 1, [letLocal("wasted", integer("and", add32(i32Local("w"), loadI32(i32(8))), i32(1)))]),
    store(i32(2048), 0, spread(i32Local("w0")), 1),
  ]);
  const body = [
    letLocal("w0", i32(0)),
    forLoop("round", i32(0), i32(2000), 1, [
      dawdle,
      store(cell(p), 0, spread(round), 1),
      meet,
      store(cell(p), 4, spread(add32(loadI32(cell(p), 4), mistake)), 1),
      meet,
    ]),
    store(cell(p), 8, spread(i32(7)), 1),
  ];
  const module: LoopModule = { functions: [loopFunction("f", [declare("p", "i32"), declare("P", "i32")], body)], exports: ["f"] };
  verifyLoopModule(module);
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const bytes = emitWasm(module, { memory: { import: ["env", "memory"], initialPages: 1, maximumPages: 1, shared: true } });
  const compiled = new WebAssembly.Module(bytes as BufferSource);
  const text = `const { workerData: w } = require("node:worker_threads");
    new WebAssembly.Instance(w.compiled, { env: { memory: w.memory, absent: () => 0 } }).exports.f(w.p, w.P);`;
  const workers = [0, 1, 2].map((each) => new Worker(text, { eval: true, workerData: { compiled, memory, p: each, P: 3 } }));
  await Promise.all(workers.map((worker) => once(worker, "exit")));
  const cells = new Int32Array(memory.buffer);
  for (const each of [0, 1, 2]) expect([...cells.subarray(16 + 16 * each, 19 + 16 * each)]).toEqual([1999, 0, 7]);
  expect([...cells.subarray(0, 2)]).toEqual([0, 4000]);

  (new WebAssembly.Instance(compiled, { env: { memory, absent: () => 0 } }).exports.f as (p: number, threads: number) => void)(0, 1);
  expect([...cells.subarray(0, 2)]).toEqual([0, 4000]);
});

test("for an engine that joins stores, only a pair is two whole stores 16 bytes apart, and no value comes from a call", () => {
  const at = i32Local("at");
  const count = (body: readonly Statement[], joins: boolean): readonly number[] => {
    const text = hex(emitWasm({ functions: [loopFunction("f", [declare("at", "i32")], body)], exports: [] }, { joins }));
    return ["fd0b02", "fd5b02", "1001"].map((code) => text.split(code).length - 1); // whole stores, halves, calls of the second function
  };
  const apart = [store(at, 0, load(at, 64)), store(at, 16, load(at, 96)), store(at, 48, load(at, 128))];
  expect(count(apart, false)).toEqual([3, 0, 0]);
  expect(count(apart, true)).toEqual([1, 4, 0]);
  expect(count([storePair(at, 0, load(at, 64), load(at, 80))], true)).toEqual([2, 0, 0]);
  expect(count([storePair(at, 0, load(at, 64), load(at, 80)), store(at, 32, load(at, 96))], true)).toEqual([2, 2, 0]);
  expect(count([store(at, 0, unary("log", load(at, 64)))], false)[2]).toBe(1);
  expect(count([store(at, 0, unary("log", load(at, 64)))], true)[2]).toBe(0);
});
