/**
 * Sluice with everything that a user can ask for beyond the defaults: 256-bit vectors, and fused multiply-add where the engine has it. A peer of the
 * bench by name only (`--peer sluice-wide`), to be run under a Node that has them (22 and newer).
 *
 * In: a workload and its arrays. Out: what sluice.ts gives, with what the check of wide vectors said, or why there are none.
 */
import { engineCode } from "../src/runtime/wasm/engine.ts";
import { useWideVectors } from "../src/runtime/wasm/wide.ts";
import { type Prepared, prepare as prepareUsual } from "./sluice.ts";
import type { Workload, WorkloadArrays } from "./workloads.ts";

export const label = "Sluice, wide vectors";

/** Makes a workload ready for wide vectors; `absent` says why there are none. */
export async function prepare(
  workload: Workload,
  arrays: WorkloadArrays,
): Promise<(Prepared & { readonly note: string }) | { readonly absent: string } | undefined> {
  const { joins, text } = useWideVectors();
  if (joins === undefined) return { absent: text };
  const { fused } = engineCode();
  const prepared = await prepareUsual(workload, arrays, { fused });
  return prepared && { ...prepared, note: `${text}${fused ? "; fused multiply-add" : ""}` };
}
