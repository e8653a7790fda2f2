/**
 * `npm run bench -- --wide [W3 W4 …] [--fused]`: steps with 256-bit vectors beside plain ones, each in a process of its own, in turn; median wall time of
 * the samples and whether the bits agree. Run it under the Node in question: Node 22 and newer have them. Exit status 1 if any bits differ.
 */
import { type ChildProcess, fork } from "node:child_process";
import { bundle } from "./bundle.ts";
import { median } from "./report.ts";
import type { PrepareSide, Side } from "./wide-child.ts";
import type { Workload } from "./workloads.ts";

const SAMPLE_MS = 250;
const ROUNDS = 7;

/** Prints one line for each workload. */
export async function compareWide(workloads: readonly Workload[], fused: boolean): Promise<number> {
  const outfile = await bundle("wide", { entry: "wide-child.ts" });
  let good = true;
  let said: string | undefined;
  console.log(`Node ${process.version}, V8 ${process.versions.v8}${fused ? ", fused multiply-add" : ""}`);
  for (const workload of workloads) {
    const children = [false, true].map(() => fork(outfile, { serialization: "advanced" }));
    try {
      const sides: Side[] = [];
      for (const [i, child] of children.entries()) {
        sides.push(await ask<Side>(child, { prepare: workload.name, wide: i === 1, fused } satisfies PrepareSide));
      }
      const samples: [number[], number[]] = [[], []];
      for (let round = 0; round < ROUNDS; round++) {
        for (const [i, child] of children.entries()) samples[i].push((await ask<{ sample: number }>(child, { measure: SAMPLE_MS })).sample);
      }
      if (said === undefined) console.log((said = sides[1].text));
      const [plain, wide] = samples.map(median);
      const same = sides[0].bits === sides[1].bits;
      good &&= same;
      const times = [plain, wide].map((ms) => ms.toFixed(ms < 1 ? 4 : 2).padStart(9)).join(" → ");
      console.log(
        `  ${workload.name.padEnd(4)} ${times} ms   ${(plain / wide).toFixed(2)}×   ${same ? `the same bits (${sides[0].bits})` : "OTHER BITS"}`,
      );
    } finally {
      for (const child of children) child.kill();
    }
  }
  return good ? 0 : 1;
}

function ask<T>(child: ChildProcess, message: object): Promise<T> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null): void => reject(new Error(`a side of the comparison ended (${code})`));
    child.once("exit", ended);
    child.once("message", (answer) => {
      child.off("exit", ended);
      resolve(answer as T);
    });
    child.send(message);
  });
}
