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
import { printLoopModule } from "../../src/ir/loop/print.ts";
import { measureProduct, productModule } from "./product-kernel.ts";

const fused = process.argv.includes("--fused");
if (process.argv.includes("--print")) console.log(printLoopModule(productModule({ M: 32, N: 512, K: 128, rows: 4, vectors: 2, unroll: 1 })));
for (const K of [128, 256]) {
  for (const rows of [1, 2, 3, 4, 5, 6]) {
    for (const vectors of [2, 4, 6, 8]) {
      if (rows * vectors > 12) continue;
      const N = 768;
      const rates = [1, 2, 4].map(
        (unroll) => `${measureProduct({ M: rows * Math.ceil(8 / rows), N, K, rows, vectors, unroll }, fused).toFixed(0)} (×${unroll})`,
      );
      console.log(`K=${K}  ${rows}×${4 * vectors}: ${rates.join("  ")} GFLOP/s`);
    }
  }
}
