/**
 * The transcendental functions as emitted, against float64 over the whole range of float32: every 4099th number, and the special ones.
 */
import { expect, test } from "vitest";
import { add32, binary, declare, forLoop, i32, i32Local, load, loopFunction, store, unary } from "../../../../ir/loop/build.ts";
import { unaryReference } from "../../../../ir/loop/reference.ts";
import { emitWasm } from "../emit.ts";
import { type TranscendentalOp, transcendentals } from "./table.ts";

type Op = Exclude<TranscendentalOp, "pow">;
const ops = Object.keys(transcendentals).filter((op): op is Op => op !== "pow");

const SMALLEST_NORMAL = 2 ** -126;
const LARGEST = Math.fround(3.4028234663852886e38);

/** Distance in units of the last float32 place of the exact value. Denormal results may be flushed to 0. */
function ulps(found: number, exact: number): number {
  if (Number.isNaN(exact)) return Number.isNaN(found) ? 0 : Number.POSITIVE_INFINITY;
  if (Math.abs(exact) < SMALLEST_NORMAL) return Math.abs(found) <= SMALLEST_NORMAL ? 0 : Number.POSITIVE_INFINITY;
  if (!Number.isFinite(Math.fround(exact))) return found === Math.sign(exact) * Number.POSITIVE_INFINITY ? 0 : Number.POSITIVE_INFINITY;
  if (!Number.isFinite(found)) return Math.abs(exact) > LARGEST * (1 - 2 ** -23) && found * exact > 0 ? 1 : Number.POSITIVE_INFINITY;
  return Math.abs(found - exact) / 2 ** (Math.floor(Math.log2(Math.abs(exact))) - 23);
}

const COUNT = 4096;
const IN = 0;
const OUT = 4 * COUNT;

function compile(): { readonly memory: WebAssembly.Memory; readonly run: (op: Op) => void } {
  const functions = ops.map((op) => {
    const place = i32Local("place");
    const body = [forLoop("place", i32Local("from"), i32Local("to"), 16, [store(add32(place, i32Local("across")), 0, unary(op, load(place)))])];
    return loopFunction(op, [declare("from", "i32"), declare("to", "i32"), declare("across", "i32")], body);
  });
  const memory = new WebAssembly.Memory({ initial: 1 });
  const module = new WebAssembly.Module(emitWasm({ functions, exports: [...ops] }) as BufferSource);
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return { memory, run: (op) => (exports[op] as (from: number, to: number, across: number) => void)(IN, OUT, OUT - IN) };
}

/** The greatest error of an op over the inputs, and where. */
function measureAccuracy(op: Op, inputs: Float32Array): { readonly worst: number; readonly at: number; readonly found: number } {
  const { memory, run } = compile();
  const cells = new Float32Array(memory.buffer);
  let worst = { worst: 0, at: 0, found: 0 };
  for (let start = 0; start < inputs.length; start += COUNT) {
    const block = inputs.subarray(start, start + COUNT);
    cells.set(block, 0);
    run(op);
    for (let index = 0; index < block.length; index += 1) {
      const found = cells[COUNT + index];
      const error = ulps(found, unaryReference[op](block[index]));
      if (error > worst.worst) worst = { worst: error, at: block[index], found };
    }
  }
  return worst;
}

const bits = new Uint32Array(1);
const asFloat = new Float32Array(bits.buffer);
function floats(keep: (x: number) => boolean): Float32Array {
  const out: number[] = [];
  for (let pattern = 0; pattern < 2 ** 32; pattern += 4099) {
    bits[0] = pattern;
    if (keep(asFloat[0])) out.push(asFloat[0]);
  }
  const { POSITIVE_INFINITY: infinity } = Number;
  for (const size of [
    0,
    1,
    0.5,
    2,
    1e-30,
    1e-8,
    0.1,
    0.1732,
    0.35,
    0.875,
    3,
    10,
    17,
    20,
    87,
    87.33,
    88,
    88.3,
    88.7,
    88.72283,
    100,
    1e3,
    LARGEST,
    infinity,
  ]) {
    for (const x of [size, -size]) if (keep(x)) out.push(Math.fround(x));
  }
  // Where the errors are largest.
  for (const x of [0.06271926, 0.40037173, 16.635704, 4.5050907, 9.036162, 0.8982814, 2100.902, 130659.61, 0.42367855, 1.4133185])
    for (const each of [x, -x]) if (keep(each)) out.push(Math.fround(each));
  for (let x = 86; x < 89; x += 1e-4) for (const each of [x, -x]) if (keep(each)) out.push(Math.fround(each));
  out.push(Number.NaN);
  return Float32Array.from(out);
}

/** The largest error over every float (bench/kernels/accuracy.ts, table in docs/performance.md), rounded up. */
const bounds: { readonly [K in Op]: number } = {
  exp: 1.4,
  expm1: 1.7,
  sigmoid: 2.5,
  tanh: 2.51,
  log: 0.85,
  log1p: 1.4,
  softplus: 1.8,
  log_sigmoid: 1.8,
  erf: 1.4,
  sin: 1.6,
  cos: 1.6,
};

for (const op of ops) {
  test(`${op} is within ${bounds[op]} ulp everywhere`, () => {
    const reduced = op === "sin" || op === "cos";
    const result = measureAccuracy(
      op,
      floats((x) => !reduced || Math.abs(x) < 1e6),
    );
    expect(result.worst, `worst at ${result.at}, found ${result.found}`).toBeLessThanOrEqual(bounds[op]);
  });
}

test("sin and cos of very large numbers stay within [−1, 1], and of ∞ are NaN", () => {
  const { memory, run } = compile();
  const cells = new Float32Array(memory.buffer);
  const { POSITIVE_INFINITY: infinity } = Number;
  cells.set([1.7e6, 3e9, 5e15, LARGEST, -1e20, infinity, -infinity, Number.NaN]);
  for (const op of ["sin", "cos"] as const) {
    run(op);
    const found = [...cells.subarray(COUNT, COUNT + 8)];
    for (const value of found.slice(0, 5)) expect(Math.abs(value)).toBeLessThanOrEqual(1);
    expect(found.slice(5)).toEqual([Number.NaN, Number.NaN, Number.NaN]);
  }
});

test("pow is within 1.5 ulp, and at its corners what JavaScript says", () => {
  const place = i32Local("place");
  const body = [forLoop("place", i32(0), i32(OUT), 16, [store(place, 2 * OUT, binary("pow", load(place), load(place, OUT)))])];
  const memory = new WebAssembly.Memory({ initial: 1 });
  const module = new WebAssembly.Module(emitWasm({ functions: [loopFunction("pow", [], body)], exports: ["pow"] }) as BufferSource);
  const run = new WebAssembly.Instance(module, { env: { memory } }).exports.pow as () => void;
  const cells = new Float32Array(memory.buffer);
  const corners = [0, 1, 0.5, 2, 3, 2.5, 1e-40, 1e10, 20000001, LARGEST, Number.POSITIVE_INFINITY, Number.NaN].flatMap((each) => [each, -each]);
  const pairs = corners.flatMap((a) => corners.map((b) => [a, b] as const));
  for (let index = 0; pairs.length < COUNT; index += 1) {
    const b = Math.tan(index * 0.7391) * 2;
    pairs.push([Math.exp(Math.sin(index) * 30), b], [-Math.exp(Math.cos(index)), Math.round(b)]);
  }
  for (let round = 0; round < COUNT; round += 1) {
    cells[round] = pairs[round][0];
    cells[COUNT + round] = pairs[round][1];
  }
  run();
  for (let round = 0; round < COUNT; round += 1) {
    const [a, b, found] = [cells[round], cells[COUNT + round], cells[2 * COUNT + round]];
    expect(ulps(found, a ** b), `${a} ** ${b} is ${a ** b}, found ${found}`).toBeLessThanOrEqual(1.5);
  }
});
