/**
 * `npm run bench -- --scaling`: one training step of an LSTM against hidden units, time steps and batch, with the rate and its share of the machine's peak.
 *
 * Looked for: no cliff (a size at which the rate falls) and cost linear in T. Each number is the best of several rounds, in wall or processor time.
 */
import type { Program } from "../src/ir/program/node.ts";
import { now, undisturbed } from "./clock.ts";
import { measurePeak } from "./kernels/product-kernel.ts";
import { prepareProgram, programOf } from "./sluice.ts";
import { arraysOf, type Workload } from "./workloads.ts";

const ROUNDS = 5;
const LEAST_MS = 40;

/** Floating-point operations of one run of every entry. */
export function flopsOf({ entries }: Program, T: number): number {
  return entries.flatMap(({ steps }) => steps).reduce((sum, { flops }) => sum + flops.constant + flops.perStep * T + flops.perPair * T * T, 0);
}

/** Best milliseconds of a step, and its operations. */
export function timeStep(workload: Workload, rounds = ROUNDS): { readonly ms: number; readonly flops: number; readonly memoryBytes: number } {
  const { program } = programOf(workload)!;
  const prepared = prepareProgram(workload, arraysOf(workload), program);
  const began = performance.now();
  let warm = 0;
  do {
    prepared.step();
    warm++;
  } while (performance.now() - began < 2 * LEAST_MS);
  const steps = Math.max(1, Math.ceil((LEAST_MS * warm) / (performance.now() - began)));
  let ms = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const start = now();
    for (let step = 0; step < steps; step++) prepared.step();
    ms = Math.min(ms, undisturbed(start) / steps);
  }
  return { ms, flops: flopsOf(program, workload.T), memoryBytes: program.memoryBytes };
}

/** Prints the three tables. */
export function scaling(): void {
  const peak = measurePeak();
  console.log(`LSTM training step (mean squared error, all gradients, Adam); peak of 128-bit code ${peak.toFixed(0)} GFLOP/s\n`);
  const base = { name: "scaling", kind: "lstm training", title: "LSTM training step" } as const;
  const table = (title: string, sizes: readonly { readonly B: number; readonly T: number; readonly D: number; readonly H: number }[]): void => {
    console.log(`${title}\n       B       T      D      H         ms   ms per time step   GFLOP/s   of peak   memory MiB`);
    for (const { B, T, D, H } of sizes) {
      const { ms, flops, memoryBytes } = timeStep({ ...base, B, T, D, H }, T * B * H * H > 1e9 ? 2 : ROUNDS);
      const rate = flops / ms / 1e6;
      const columns = [
        ...[B, T, D, H].map((size, i) => String(size).padStart(i < 2 ? 8 : 7)),
        ms.toFixed(3).padStart(11),
        (ms / T).toFixed(4).padStart(19),
        rate.toFixed(1).padStart(10),
        `${((100 * rate) / peak).toFixed(0)}%`.padStart(10),
        (memoryBytes / 2 ** 20).toFixed(1).padStart(13),
      ];
      console.log(columns.join(""));
    }
    console.log("");
  };
  table(
    "hidden units",
    [32, 48, 64, 100, 128, 200, 256, 384, 512, 768, 1024].map((H) => ({ B: 16, T: 20, D: 64, H })),
  );
  table(
    "time steps",
    [10, 30, 100, 300, 1000, 3000, 10_000].map((T) => ({ B: 4, T, D: 64, H: 64 })),
  );
  table(
    "batch",
    [1, 2, 3, 4, 7, 8, 16, 32, 64, 128, 256].map((B) => ({ B, T: 20, D: 64, H: 128 })),
  );
}
