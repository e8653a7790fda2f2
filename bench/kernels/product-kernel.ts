/**
 * The inner kernel of a matrix product in the loop language, by itself: C[M, N] += A[M, K] · B, tile by tile, timed in cache. See product.ts for what was
 * found with it.
 */
import {
  add,
  add32,
  call,
  declare,
  f32x4,
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
} from "../../src/ir/loop/build.ts";
import type { LoopFunction, LoopModule, Statement } from "../../src/ir/loop/node.ts";
import { verifyLoopModule } from "../../src/ir/loop/verify.ts";
import { emitWasm } from "../../src/phases/6-emit/wasm/emit.ts";

export interface Shape {
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly rows: number;
  readonly vectors: number;
  readonly unroll: number;
}

/** tile(c, a, b): the products of `rows` rows of A with `vectors`·4 columns of B, added to C. Addresses in bytes, strides constant. */
function tile({ N, K, rows, vectors, unroll }: Shape): LoopFunction {
  const sum = (row: number, vector: number) => f32x4Local(`c${row}${vector}`);
  const cells = Array.from({ length: rows * vectors }, (_, cell) => [Math.floor(cell / vectors), cell % vectors] as const);
  const panelOffset = (vector: number) => (vector >> 1) * K * 32 + (vector & 1) * 16;
  const cOffset = (row: number, vector: number) => row * 4 * N + vector * 16;
  const round = (k: number): Statement[] => [
    ...Array.from({ length: vectors }, (_, vector) => letLocal(`b${vector}`, load(i32Local("bk"), 32 * k + panelOffset(vector)))),
    ...Array.from({ length: rows }, (_, row) => [
      letLocal(`a${row}`, splat(i32Local("ak"), 4 * k + row * 4 * K)),
      ...Array.from({ length: vectors }, (_, vector) =>
        letLocal(`c${row}${vector}`, multiplyAdd(f32x4Local(`a${row}`), f32x4Local(`b${vector}`), sum(row, vector))),
      ),
    ]).flat(),
  ];
  return loopFunction(
    "tile",
    [declare("c", "i32"), declare("a", "i32"), declare("b", "i32")],
    [
      ...cells.map(([row, vector]) => letLocal(`c${row}${vector}`, f32x4(0))),
      letLocal("bk", i32Local("b")),
      forLoop("ak", i32Local("a"), add32(i32Local("a"), i32(4 * K)), 4 * unroll, [
        ...Array.from({ length: unroll }, (_, k) => round(k)).flat(),
        letLocal("bk", add32(i32Local("bk"), i32(32 * unroll))),
      ]),
      ...cells.map(([row, vector]) => store(i32Local("c"), cOffset(row, vector), add(load(i32Local("c"), cOffset(row, vector)), sum(row, vector)))),
    ],
    `C[${rows}, ${4 * vectors}] += A[${rows}, ${K}] · B[${K}, ${4 * vectors}]`,
  );
}

/** A in the first bytes of the memory, then B, then C. */
export function productModule(shape: Shape): LoopModule {
  const { M, N, K, rows, vectors } = shape;
  const [i, j] = [i32Local("i"), i32Local("j")];
  const [b, c] = [4 * M * K, 4 * M * K + 4 * K * N];
  const place = [add32(add32(mul32(i, i32(4 * N)), mul32(j, i32(4))), i32(c)), mul32(i, i32(4 * K)), add32(mul32(j, i32(4 * K)), i32(b))];
  const body = [forLoop("j", i32(0), i32(N), 4 * vectors, [forLoop("i", i32(0), i32(M), rows, [call("tile", ...place)])])];
  return { functions: [tile(shape), loopFunction("product", [], body)], exports: ["product"] };
}

/** GFLOP/s of one shape: the best of many short measurements. */
export function measureProduct(shape: Shape, fused: boolean, repetitions = 40): number {
  const { M, N, K } = shape;
  const module = productModule(shape);
  verifyLoopModule(module);
  const memory = new WebAssembly.Memory({ initial: Math.ceil((4 * (M * K + K * N + M * N)) / 65536) });
  new Float32Array(memory.buffer).forEach((_, index, all) => {
    all[index] = Math.sin(index);
  });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(emitWasm(module, { fused }) as BufferSource), { env: { memory } });
  const run = instance.exports.product as () => void;
  const operations = 2 * M * N * K;
  const calls = Math.ceil(1e7 / operations);
  let bestMs = Number.POSITIVE_INFINITY;
  for (let repetition = 0; repetition < repetitions; repetition += 1) {
    const start = performance.now();
    for (let each = 0; each < calls; each += 1) run();
    bestMs = Math.min(bestMs, (performance.now() - start) / calls);
  }
  return operations / bestMs / 1e6;
}

/** The machine's peak for 128-bit code, in GFLOP/s: the best tile, operands in cache. */
export function measurePeak(fused = false): number {
  const at = (rows: number): number => measureProduct({ M: 24, N: 768, K: 128, rows, vectors: 2, unroll: 1 }, fused, 200);
  return fused ? Math.max(at(4), at(6)) : at(4);
}
