/**
 * `npm run bench -- --chunks`: linear recurrences of a matrix state by chunks of time steps, beside the same recurrences step by step.
 *
 * Forward and backward to all weights and inputs, B = 8, T = 256, 4 heads; what differs is the size of a head's matrix and the steps of a chunk. In turn, best of many
 * rounds in wall or processor time; with the memory of each program.
 */
import { analyze, compileProgram, lower } from "../src/compile.ts";
import type { Variant } from "../src/ir/network/variant.ts";
import { MECHANISMS, type MechanismName } from "../src/mechanisms/index.ts";
import { initialParameters } from "../src/model/initialize.ts";
import { parameterLayout } from "../src/model/parameters.ts";
import { resolveSizes } from "../src/model/sizes.ts";
import { type Executable, floatBuffer } from "../src/runtime/executable.ts";
import { codeOptions } from "../src/runtime/wasm/engine.ts";
import { loadProgram } from "../src/runtime/wasm/load.ts";
import { createRandom } from "../src/support/random.ts";
import { now, undisturbed } from "./clock.ts";

const ROUNDS_MS = 5000;
const BATCH = 8;
const STEPS = 256;
const HEADS = 4;

const CASES: readonly (readonly [MechanismName, number])[] = [
  ["gated_delta_net", 16],
  ["gated_delta_net", 32],
  ["gated_delta_net", 64],
  ["delta_net", 32],
  ["mamba_2", 32],
  ["retnet", 32],
  ["mlstm", 32],
  ["gla", 64],
  ["rwkv6", 64],
  ["rwkv7", 64],
  ["kimi_delta_attention", 64],
  ["hgrn2", 64],
];

const FORMS: readonly (readonly [string, Variant["chunks"]])[] = [
  ["step by step", false],
  ["8", { steps: 8, least: 1 }],
  ["16", { steps: 16, least: 1 }],
  ["32", { steps: 32, least: 1 }],
];

/** A mechanism with heads of `width` × `width`, in one form. */
function prepared(
  mechanism: MechanismName,
  width: number,
  chunks: Variant["chunks"],
): { readonly executable: Executable; readonly step: () => void } {
  const { network } = analyze({ name: `${mechanism}.gate`, text: MECHANISMS[mechanism] }, { library: MECHANISMS });
  if (network === undefined) throw new Error(`${mechanism} does not compile`);
  const heads = new Set(["N", "G"]);
  const features = new Set(["D", "M", "H"]);
  const given = network.sizes
    .filter(({ free }) => free)
    .map(({ name }): [string, number] => [name, heads.has(name) ? HEADS : features.has(name) ? HEADS * width : width]);
  const sizes = resolveSizes(network, Object.fromEntries(given));
  const { slots, count } = parameterLayout(network, sizes);
  const inputs = network.inputs.map(({ name }) => name);
  const { graph } = lower(network, {
    sizes,
    batch: BATCH,
    mode: "train",
    initial: "fresh",
    lengths: false,
    reset: false,
    outputs: network.outputs,
    gradient: { of: "cotangents", inputs },
    chunks,
  });
  const { program } = compileProgram([{ entry: "step", graph }], { capacity: STEPS, batch: BATCH, weights: slots, ...codeOptions(false) });
  const executable = loadProgram(program);
  const random = createRandom(1);
  floatBuffer(executable, "parameters").set(initialParameters(slots, count, 1));
  for (const [name, { role }] of executable.shapes)
    if (role === "input") floatBuffer(executable, name).forEach((_, i, all) => (all[i] = random.normal(0, 1)));
  const step = (): void => {
    executable.run("prepare", STEPS);
    executable.run("step", STEPS);
  };
  return { executable, step };
}

/** Prints a line for each mechanism and size. */
export function chunks(): void {
  const line = (cells: readonly string[]): void => console.log(cells.map((cell, i) => (i === 0 ? cell.padEnd(30) : cell.padStart(16))).join(""));
  line(["milliseconds", ...FORMS.map(([name]) => name), "16 steps ahead", "MiB"]);
  for (const [mechanism, width] of CASES) {
    const forms = FORMS.map(([, form]) => ({ ...prepared(mechanism, width, form), best: Number.POSITIVE_INFINITY }));
    const began = performance.now();
    for (const { step } of forms) step();
    while (performance.now() - began < ROUNDS_MS) {
      for (const form of forms) {
        const start = now();
        form.step();
        form.best = Math.min(form.best, undisturbed(start));
      }
    }
    const mebibytes = ({ executable }: (typeof forms)[number]): string => (executable.program.memoryBytes / 2 ** 20).toFixed(0);
    const ratio = forms[0].best / forms[2].best;
    line([
      `${mechanism}, ${width} × ${width}`,
      ...forms.map(({ best }) => best.toFixed(1)),
      `${ratio.toFixed(2)}×`,
      `${mebibytes(forms[0])} → ${mebibytes(forms[2])}`,
    ]);
  }
}
