/**
 * `npm run bench -- --threads [W3 W4 …]`: one step on one and on two threads, in turn, best wall time of many rounds, and whether the bits agree.
 *
 * Needs two free cores: on a busy machine the second thread waits for its turn and the first one for the second.
 */
import { threadPool } from "../src/runtime/wasm/threads.ts";
import { prepareProgram, programOf } from "./sluice.ts";
import { arraysOf, type Workload } from "./workloads.ts";

const ROUNDS_MS = 8000;

/** Prints a line for each workload. */
export async function compareThreads(workloads: readonly Workload[]): Promise<void> {
  const pool = await threadPool(2);
  for (const workload of workloads) {
    const arrays = arraysOf(workload);
    const one = prepareProgram(workload, arrays, programOf(workload)!.program);
    const two = prepareProgram(workload, arrays, programOf(workload, { threads: 2 })!.program, pool);
    const [first, second] = [await one.check(), await two.check()];
    const same = Object.entries(first).every(([name, values]) => values.every((value, i) => Object.is(value, second[name][i])));
    const best = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    const began = performance.now();
    for (let round = 0; round < 10 || performance.now() - began < ROUNDS_MS; round++) {
      for (const [which, { step }] of [one, two].entries()) {
        const start = performance.now();
        step();
        best[which] = Math.min(best[which], performance.now() - start);
      }
    }
    const ratio = (best[0] / best[1]).toFixed(2);
    console.log(
      `${workload.name.padEnd(5)}${best[0].toFixed(3).padStart(10)} ms   two threads ${best[1].toFixed(3)} ms   ${ratio}×   ${same ? "the same bits" : "OTHER BITS"}`,
    );
  }
}
