/**
 * `npm run bench -- --chunks`: linear recurrences of a matrix state by chunks of time steps, beside the same recurrences step by step.
 *
 * Forward and backward to all weights and inputs, B = 8, T = 256, 4 heads; what differs is the size of a head's matrix and the steps of a chunk. In turn, best of many
 * rounds in wall or processor time; with the memory of each program.
 */
import { analyze } from "../src/compile.ts";
import type { Variant } from "../src/ir/network/variant.ts";
import { MECHANISMS, type MechanismName } from "../src/mechanisms/index.ts";
import { type Form, mebibytes, prepareForm, race } from "./forms.ts";

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
function prepared(mechanism: MechanismName, width: number, chunks: Variant["chunks"]): Form {
  const { network } = analyze({ name: `${mechanism}.gate`, text: MECHANISMS[mechanism] }, { library: MECHANISMS });
  if (network === undefined) throw new Error(`${mechanism} does not compile`);
  const heads = new Set(["N", "G"]);
  const features = new Set(["D", "M", "H"]);
  const sizes = network.sizes
    .filter(({ free }) => free)
    .map(({ name }): [string, number] => [name, heads.has(name) ? HEADS : features.has(name) ? HEADS * width : width]);
  return prepareForm(network, Object.fromEntries(sizes), { batch: BATCH, steps: STEPS, chunks });
}

/** Prints a line for each mechanism and size. */
export function chunks(): void {
  const line = (cells: readonly string[]): void => console.log(cells.map((cell, i) => (i === 0 ? cell.padEnd(30) : cell.padStart(16))).join(""));
  line(["milliseconds", ...FORMS.map(([name]) => name), "16 steps ahead", "MiB"]);
  for (const [mechanism, width] of CASES) {
    const forms = FORMS.map(([, form]) => prepared(mechanism, width, form));
    const best = race(forms, ROUNDS_MS);
    line([
      `${mechanism}, ${width} × ${width}`,
      ...best.map((ms) => ms.toFixed(1)),
      `${(best[0] / best[2]).toFixed(2)}×`,
      `${mebibytes(forms[0]).toFixed(0)} → ${mebibytes(forms[2]).toFixed(0)}`,
    ]);
  }
}
