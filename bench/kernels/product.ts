/**
 * The inner kernel of a matrix product, C[M, N] += A[M, K] · B with B packed in panels of 8 columns ([N/8][K][8]), in the shapes that the loop
 * language can give it: GFLOP/s for each tile and each unrolling over k. Nothing here is used by the compiler; it says what the scheduler should
 * write. `--print` shows the loops, `--fused` uses one rounding (Node 22 and newer).
 *
 * Found on Node 20 (V8 11), AMD Zen 5, mul+add, operands in cache (128-bit peak about 67 GFLOP/s on this machine):
 *
 *   the rule: rows × vectors × unroll = 8 multiply_adds in the loop's body. More of them in one basic block and V8 spills (32 instead of 66);
 *   fewer and the loop's own instructions count.
 *
 *     tile     unroll over k   GFLOP/s
 *     4 × 8         1            66      M ≥ 4
 *     3 × 8         1            50      M tail
 *     2 × 8         2            62      M tail (33 without unrolling); K odd: one round of ×1 after the loop
 *     2 × 16        1            64
 *     1 × 16        2            53      B = 1 (46 without unrolling); M tail
 *     1 × 8         2            39      N tail at B = 1
 *
 *   the form: two pointers. The loop counter itself is the address in A, so it costs no further addition; the rows of A and the panels of B beyond the
 *   first are constant offsets, which go into the loads' immediates:
 *
 *     c00 … c31: f32x4 = 0.0                              (always 0: see below)
 *     bk: i32 = b
 *     for ak = a to a + 4·K step 4·unroll
 *       b0 = load[bk]    b1 = load[bk + 16]                 (all vectors of B first; panel p: + p·K·32)
 *       a0 = splat[ak]   c00 = multiply_add(a0, b0, c00)   c01 = multiply_add(a0, b1, c01)
 *       a1 = splat[ak + strideA]   c10 = …                  (then row by row: splat, its multiply_adds)
 *       …                                                   (unrolled: the same again with offsets + 4 and + 32)
 *       bk = bk + 32·unroll
 *     store[c + …] = load[initial + …] + c00 …              (all at the end; without an initial value: 0.0 + c00)
 *
 *   The sums begin at 0 and what they are added to comes at the end, even if that is the constant 0: V8 11 and 12 order the loop's body by how its results
 *   are used, and with a bare store (or sums that begin with loads) 4 × 8 falls from 66 to 55; besides, a load that misses the cache at the start
 *   holds up the whole tile. The LSTM training step W3 takes 20.7 instead of 24.7 ms by this alone, W4 245 instead of 297. Node 24: no difference.
 *
 *   Strides that are constants of the function are worth it: with strides as arguments (row addresses ak + s₁ … or a pointer for each row) 4 × 8 reaches
 *   55 instead of 66 on Node 20, and the same on Node 24. K may be an argument at no cost (`for ak = a to a + k·4`). For Aᵀ (weight
 *   gradients) the loop steps by A's pitch along k and the rows lie 4 bytes apart: the same form.
 *
 *   Node 22: as Node 20. Node 24 and 26 keep program order and do not mind unrolling (4 × 8: 63, 3 × 8: 60, 5 × 8: 64, 6 × 8: 35, mul+add); so the tiles
 *   above serve every version. With --fused on 24 and 26: 6 × 8: 69, 5 × 8: 65, 4 × 8: 63, 3 × 8: 49; on 22 4 × 8: 63 and wider tiles spill.
 *
 *   Index arithmetic in the loop (a + 4·k, b + 32·k) is equally fast on 4 × 8. The tile is a function of its own (a leaf), called once per tile.
 *   emitWasm puts the test of a loop at its bottom behind a guard; constant bounds need no guard.
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
import { printLoopModule } from "../../src/ir/loop/print.ts";
import { verifyLoopModule } from "../../src/ir/loop/verify.ts";
import { emitWasm } from "../../src/phases/6-emit/wasm/emit.ts";

interface Shape {
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
function product(shape: Shape): LoopModule {
  const { M, N, K, rows, vectors } = shape;
  const [i, j] = [i32Local("i"), i32Local("j")];
  const [b, c] = [4 * M * K, 4 * M * K + 4 * K * N];
  const place = [add32(add32(mul32(i, i32(4 * N)), mul32(j, i32(4))), i32(c)), mul32(i, i32(4 * K)), add32(mul32(j, i32(4 * K)), i32(b))];
  const body = [forLoop("j", i32(0), i32(N), 4 * vectors, [forLoop("i", i32(0), i32(M), rows, [call("tile", ...place)])])];
  return { functions: [tile(shape), loopFunction("product", [], body)], exports: ["product"] };
}

/** The best of many short measurements. */
function measure(shape: Shape, fused: boolean): number {
  const { M, N, K } = shape;
  const module = product(shape);
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
  for (let repetition = 0; repetition < 40; repetition += 1) {
    const start = performance.now();
    for (let each = 0; each < calls; each += 1) run();
    bestMs = Math.min(bestMs, (performance.now() - start) / calls);
  }
  return operations / bestMs / 1e6;
}

const fused = process.argv.includes("--fused");
if (process.argv.includes("--print")) console.log(printLoopModule(product({ M: 32, N: 512, K: 128, rows: 4, vectors: 2, unroll: 1 })));
for (const K of [128, 256]) {
  for (const rows of [1, 2, 3, 4, 5, 6]) {
    for (const vectors of [2, 4, 6, 8]) {
      if (rows * vectors > 12) continue;
      const N = 768;
      const rates = [1, 2, 4].map(
        (unroll) => `${measure({ M: rows * Math.ceil(8 / rows), N, K, rows, vectors, unroll }, fused).toFixed(0)} (×${unroll})`,
      );
      console.log(`K=${K}  ${rows}×${4 * vectors}: ${rates.join("  ")} GFLOP/s`);
    }
  }
}
