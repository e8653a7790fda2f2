/**
 * The same network compiled in several forms, side by side: what the benches of forms (chunks, filters) have in common.
 *
 * In: a network, its sizes and what is asked for. Out: a step that goes forward and backward to all weights and inputs, on random numbers that are the same for every
 * form, and the best time of each form, taken in turn.
 */
import { compileProgram, lower } from "../src/compile.ts";
import type { Network } from "../src/ir/network/node.ts";
import { type Variant, WHOLE_TRAINING } from "../src/ir/network/variant.ts";
import type { Graph } from "../src/ir/tensor/node.ts";
import { initialParameters } from "../src/model/initialize.ts";
import { parameterLayout } from "../src/model/parameters.ts";
import { resolveSizes } from "../src/model/sizes.ts";
import { type Executable, floatBuffer } from "../src/runtime/executable.ts";
import { codeOptions } from "../src/runtime/wasm/engine.ts";
import { loadProgram } from "../src/runtime/wasm/load.ts";
import { createRandom } from "../src/support/random.ts";
import { now, undisturbed } from "./clock.ts";

export interface Form {
  readonly graph: Graph;
  readonly executable: Executable;
  step(): void;
}

/** A network with the sizes given, ready to run forward and backward over `steps` time steps. */
export function prepareForm(
  network: Network,
  given: Readonly<Record<string, number>>,
  { batch, steps, ...form }: { readonly batch: number; readonly steps: number } & Pick<Variant, "chunks" | "filters">,
): Form {
  const sizes = resolveSizes(network, given);
  const { slots, count } = parameterLayout(network, sizes);
  const gradient = { of: "cotangents", inputs: network.inputs.map(({ name }) => name) } as const;
  const { graph } = lower(network, { ...WHOLE_TRAINING, sizes, batch, outputs: network.outputs, gradient, ...form });
  const { program } = compileProgram([{ entry: "step", graph }], { capacity: steps, batch, weights: slots, ...codeOptions(false) });
  const executable = loadProgram(program);
  const random = createRandom(1);
  floatBuffer(executable, "parameters").set(initialParameters(slots, count, 1));
  for (const [name, { role }] of executable.shapes)
    if (role === "input") floatBuffer(executable, name).forEach((_, i, all) => (all[i] = random.normal(0, 1)));
  const step = (): void => {
    executable.run("prepare", steps);
    executable.run("step", steps);
  };
  return { graph, executable, step };
}

/** Best milliseconds of a step of each form, in turn for at least `leastMs`. */
export function race(forms: readonly Form[], leastMs: number): number[] {
  const best = forms.map(() => Number.POSITIVE_INFINITY);
  const began = performance.now();
  for (const { step } of forms) step();
  while (performance.now() - began < leastMs) {
    for (const [i, { step }] of forms.entries()) {
      const start = now();
      step();
      best[i] = Math.min(best[i], undisturbed(start));
    }
  }
  return best;
}

/** Memory of a form's program, in MiB. */
export const mebibytes = ({ executable }: Form): number => executable.program.memoryBytes / 2 ** 20;
