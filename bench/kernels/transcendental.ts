/**
 * Nanoseconds for four values of each transcendental function, as the compiler emits it: over 4,096 numbers in cache, load and store included.
 * `--memory` keeps the constants in memory (for V8 13 and newer).
 *
 * Found on an AMD Zen 5, Node 20: exp 2.7, sigmoid 3.0, tanh 3.6, log 5.0, softplus 10.5, erf 10, sin 5.7; as calls exp takes 3.8, sigmoid 4.7, tanh 4.9,
 * and the five of an LSTM cell together 29.5 instead of 17.8: so exp, expm1, sigmoid and tanh are written in place. On Node 24 and 26 the LSTM
 * cell takes 27 with constants in the code and 20 with constants in memory.
 */
import { declare, forLoop, i32, i32Local, load, loopFunction, store, unary } from "../../src/ir/loop/build.ts";
import type { VectorUnary } from "../../src/ir/loop/node.ts";
import { emitWasm } from "../../src/phases/6-emit/wasm/emit.ts";

const COUNT = 4096;
const ops: readonly VectorUnary[] = ["exp", "expm1", "sigmoid", "tanh", "log", "log1p", "softplus", "log_sigmoid", "erf", "sin", "cos"];
const place = i32Local("place");
const functions = ops.map((op) =>
  loopFunction(op, [declare("n", "i32")], [forLoop("place", i32(0), i32Local("n"), 16, [store(place, 4 * COUNT, unary(op, load(place)))])]),
);
const memory = new WebAssembly.Memory({ initial: 1 });
const cells = new Float32Array(memory.buffer);
for (let index = 0; index < COUNT; index += 1) cells[index] = 4 * Math.sin(index) + 4.1;
const module = new WebAssembly.Module(
  emitWasm(
    { functions, exports: [...ops] },
    { constants: process.argv.includes("--memory") ? { address: 2 ** 15, bytes: 4096 } : "code" },
  ) as BufferSource,
);
const { exports } = new WebAssembly.Instance(module, { env: { memory } });
for (const op of ops) {
  const run = exports[op] as (bytes: number) => void;
  let bestMs = Number.POSITIVE_INFINITY;
  for (let repetition = 0; repetition < 200; repetition += 1) {
    const start = performance.now();
    for (let each = 0; each < 50; each += 1) run(4 * COUNT);
    bestMs = Math.min(bestMs, performance.now() - start);
  }
  console.log(`${op}: ${((bestMs * 1e6) / 50 / (COUNT / 4)).toFixed(2)} ns`);
}
