/**
 * Largest error of each transcendental function as the compiler emits it, over every float32 of a range; the reference is float64.
 *
 *     npx esbuild bench/kernels/accuracy.ts --bundle --platform=node --format=esm --outfile=accuracy.mjs && node accuracy.mjs [FUNCTION…]
 *
 * Errors in units of the last place of the exact value; a result below 2⁻¹²⁶ may be 0. Outside of the ranges the functions are x, 1 + x, saturated or NaN to within the same bounds, which
 * accuracy.test.ts samples over all of float32. Takes half a minute to four minutes a function.
 */
import { add32, declare, forLoop, i32, i32Local, load, loopFunction, store, unary } from "../../src/ir/loop/build.ts";
import type { VectorUnary } from "../../src/ir/loop/node.ts";
import { unaryReference } from "../../src/ir/loop/reference.ts";
import { emitWasm } from "../../src/phases/6-emit/wasm/emit.ts";

/** Powers of two that a range begins and ends with, for each sign. */
type Span = readonly [from: number, to: number];
interface Domain {
  readonly positive?: Span;
  readonly negative?: Span;
}

const BOTH: Domain = { positive: [-30, 7], negative: [-30, 7] };
const DOMAINS: Partial<Record<VectorUnary, Domain>> = {
  exp: BOTH,
  expm1: BOTH,
  sigmoid: BOTH,
  tanh: BOTH,
  softplus: BOTH,
  log_sigmoid: BOTH,
  erf: BOTH,
  log: { positive: [-126, 128] },
  log1p: { positive: [-30, 128], negative: [-30, 0] },
  sin: { positive: [-30, 20], negative: [-30, 20] },
  cos: { positive: [-30, 20], negative: [-30, 20] },
};

const COUNT = 4096;
const SMALLEST_NORMAL = 2 ** -126;
const bits = new Uint32Array(1);
const single = new Float32Array(bits.buffer);
const halves = new Int32Array(2);
const double = new Float64Array(halves.buffer);

/** 2 to the exponent of |x|, less 23. */
function lastPlace(x: number): number {
  double[0] = x;
  halves[0] = 0;
  halves[1] &= 0x7ff00000;
  return double[0] * 2 ** -23;
}

function patternOf(power: number): number {
  single[0] = power >= 128 ? Number.POSITIVE_INFINITY : 2 ** power;
  return bits[0];
}

function measure(op: VectorUnary, domain: Domain): void {
  const place = i32Local("place");
  const body = [forLoop("place", i32(0), i32(4 * COUNT), 16, [store(add32(place, i32(4 * COUNT)), 0, unary(op, load(place)))])];
  const module = new WebAssembly.Module(emitWasm({ functions: [loopFunction("f", [declare("n", "i32")], body)], exports: ["f"] }) as BufferSource);
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { f } = new WebAssembly.Instance(module, { env: { memory } }).exports as { f: (n: number) => void };
  const given = new Uint32Array(memory.buffer, 0, COUNT);
  const x = new Float32Array(memory.buffer, 0, COUNT);
  const found = new Float32Array(memory.buffer, 4 * COUNT, COUNT);
  const exactly = unaryReference[op as keyof typeof unaryReference] as (x: number) => number;
  let worst = 0;
  let at = 0;
  let total = 0;
  for (const [sign, span] of [
    [0, domain.positive],
    [0x80000000, domain.negative],
  ] as const) {
    if (!span) continue;
    const end = patternOf(span[1]);
    for (let pattern = patternOf(span[0]); pattern < end; pattern += COUNT) {
      for (let i = 0; i < COUNT; i++) given[i] = (pattern + i) | sign;
      f(0);
      total += COUNT;
      for (let i = 0; i < COUNT; i++) {
        const exact = exactly(x[i]);
        if (!(Math.abs(exact) >= SMALLEST_NORMAL) || !Number.isFinite(Math.fround(exact))) continue;
        const error = Math.abs(found[i] - exact) / lastPlace(exact);
        if (error > worst || Number.isNaN(error)) [worst, at] = [error, x[i]];
      }
    }
  }
  const range = ([from, to]: Span, minus: string): string => `${minus}2^${from} … ${minus}2^${to}`;
  const ranges = [domain.positive && range(domain.positive, ""), domain.negative && range(domain.negative, "−")].filter(Boolean).join(", ");
  console.log(`| ${op} | ${ranges} | ${(total / 1e6).toFixed(0)} million | ${worst.toFixed(2)} | ${at} |`);
}

const wanted = process.argv.slice(2);
for (const [op, domain] of Object.entries(DOMAINS) as [VectorUnary, Domain][]) if (wanted.length === 0 || wanted.includes(op)) measure(op, domain);
