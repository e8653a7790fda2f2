/**
 * The child process of one side of `--wide`: prepares a workload for wide vectors or plainly, gives a fingerprint of its results, then measures when told.
 *
 * Messages in: { prepare: workload name, wide, fused } and { measure: least milliseconds }. Messages out: { bits, text } and { sample: milliseconds per step }.
 */
import { useWideVectors } from "../src/runtime/wasm/wide.ts";
import { prepare, type Prepared } from "./sluice.ts";
import { arraysOf, WORKLOADS } from "./workloads.ts";

/** Steps before the results are taken. */
const STEPS = 20;

export interface PrepareSide {
  readonly prepare: string;
  readonly wide: boolean;
  readonly fused: boolean;
}

export interface Side {
  readonly bits: string;
  /** What the check of wide vectors said. */
  readonly text?: string;
}

let prepared: Prepared | undefined;

async function handle(message: PrepareSide | { readonly measure: number }): Promise<Side | { readonly sample: number }> {
  if ("prepare" in message) {
    const text = message.wide ? useWideVectors().text : undefined;
    const workload = WORKLOADS.find(({ name }) => name === message.prepare)!;
    prepared = (await prepare(workload, arraysOf(workload), { fused: message.fused }))!;
    // The engine's best code must have been reached, and the weights change with each step: a count, not a time.
    for (let step = 0; step < STEPS; step++) prepared.step();
    return { bits: fingerprint(await prepared.check()), text };
  }
  const began = performance.now();
  let steps = 0;
  do {
    prepared!.step();
    steps++;
  } while (performance.now() - began < message.measure);
  return { sample: (performance.now() - began) / steps };
}

/** FNV-1a over all numbers. */
function fingerprint(results: Readonly<Record<string, ArrayLike<number>>>): string {
  let hash = 0x811c9dc5;
  for (const values of Object.values(results))
    for (const word of new Uint32Array(Float32Array.from(values).buffer)) hash = Math.imul(hash ^ word, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, "0");
}

process.on("message", async (message: PrepareSide | { readonly measure: number }) => process.send!(await handle(message)));
