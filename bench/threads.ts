/**
 * `npm run bench -- --threads [W3 W4 …] [--wide]`: one step on one and on two threads, in turn, best and median wall time of many rounds, and whether the
 * bits agree; PyTorch on one and on two threads in the same rounds, where a Python has it. `--wide`: Sluice with 256-bit vectors, under a Node that has
 * them (22 and newer); exit status 1 if it has none.
 *
 * Needs two free cores: on a busy machine the second thread waits for its turn and the first one for the second.
 */
import { threadPool } from "../src/runtime/wasm/threads.ts";
import { useWideVectors } from "../src/runtime/wasm/wide.ts";
import * as pytorch from "./peers/pytorch.mjs";
import { median } from "./report.ts";
import { prepareProgram, programOf } from "./sluice.ts";
import { arraysOf, type Workload } from "./workloads.ts";

const ROUNDS_MS = 8000;
const LEAST_MS = 30;

interface Contestant {
  readonly name: string;
  readonly samples: number[];
  /** Milliseconds of a step. */
  measure(): Promise<number>;
}

/** Prints a table for each workload; the exit status. */
export async function compareThreads(workloads: readonly Workload[], wide: boolean): Promise<number> {
  if (wide) {
    const { joins, text } = useWideVectors();
    console.log(`Node ${process.version}: ${text}`);
    if (!joins?.deterministic) return 1;
  }
  const name = wide ? "Sluice, wide" : "Sluice";
  let good = true;
  const pool = await threadPool(2);
  if (pytorch.pythonWithTorch() === undefined) console.log(`PyTorch: ${pytorch.ABSENT}`);
  for (const workload of workloads) {
    const arrays = arraysOf(workload);
    const one = prepareProgram(workload, arrays, programOf(workload)!.program);
    const two = prepareProgram(workload, arrays, programOf(workload, { threads: 2 })!.program, pool);
    const [first, second] = [await one.check(), await two.check()];
    const same = Object.entries(first).every(([name, values]) => values.every((value, i) => Object.is(value, second[name][i])));
    good &&= same;
    const peers =
      pytorch.pythonWithTorch() === undefined
        ? []
        : [await pytorch.prepare(workload, arrays), await pytorch.prepare(workload, arrays, { threads: 2 })];
    const contestants: readonly Contestant[] = [
      ...[one, two].map(({ step }, i) => ({ name: `${name}, ${i + 1}`, samples: [], measure: () => timed(step) })),
      ...peers.map(({ measure }, i) => ({ name: `PyTorch, ${i + 1}`, samples: [], measure: async () => (await measure(LEAST_MS)).sample })),
    ];
    const began = performance.now();
    for (let round = 0; round < 10 || performance.now() - began < ROUNDS_MS * (contestants.length / 2); round++) {
      for (const { samples, measure } of contestants) samples.push(await measure());
    }
    for (const { stop } of peers) stop();
    for (const { note } of peers) console.log(note);
    console.log(`${workload.name}  ${workload.title}; two threads of Sluice: ${same ? "the same bits" : "OTHER BITS"}`);
    for (const [i, { name, samples }] of contestants.entries()) {
      const best = Math.min(...samples);
      const alone = Math.min(...contestants[i - (i % 2)].samples);
      const middle = median(samples);
      const gain = i % 2 === 1 ? `   ${(alone / best).toFixed(2)}× of one thread` : "";
      console.log(`  ${name.padEnd(wide ? 16 : 12)}best ${best.toFixed(3).padStart(9)} ms   median ${middle.toFixed(3).padStart(9)} ms${gain}`);
    }
  }
  return good ? 0 : 1;
}

async function timed(step: () => unknown): Promise<number> {
  const start = performance.now();
  let steps = 0;
  do {
    step();
    steps++;
  } while (performance.now() - start < LEAST_MS);
  return (performance.now() - start) / steps;
}
