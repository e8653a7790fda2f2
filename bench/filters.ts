/**
 * `npm run bench -- --filters`: convolutions over time in their minimal form, beside the same convolutions tap by tap.
 *
 * Forward and backward to all weights and the input of `y = tanh(W ∗ x + b)`; what differs are channels, taps, dilation, batch and steps. In turn, best of many rounds in wall or processor
 * time; with the largest error of either form, of outputs and gradients, relative to the largest value, against the float64 interpreter at few steps.
 */
import { analyze } from "../src/compile.ts";
import type { Variant } from "../src/ir/network/variant.ts";
import { interpret } from "../src/ir/tensor/interpret.ts";
import { floatBuffer } from "../src/runtime/executable.ts";
import { type Form, mebibytes, prepareForm, race } from "./forms.ts";

const ROUNDS_MS = 2500;
/** Steps and examples at which errors are measured. */
const FEW = 13;
const FEW_EXAMPLES = 2;

interface Case {
  readonly channels: number;
  readonly taps: number;
  readonly dilation?: number;
  readonly batch: number;
  readonly steps: number;
}

const CASES: readonly Case[] = [
  { channels: 8, taps: 3, batch: 32, steps: 128 },
  { channels: 12, taps: 3, batch: 32, steps: 128 },
  { channels: 16, taps: 3, batch: 32, steps: 128 },
  { channels: 32, taps: 3, batch: 32, steps: 128 },
  { channels: 64, taps: 3, batch: 32, steps: 128 },
  { channels: 64, taps: 3, batch: 1, steps: 128 },
  { channels: 64, taps: 3, batch: 4, steps: 1024 },
  { channels: 256, taps: 3, batch: 8, steps: 128 },
  { channels: 16, taps: 2, batch: 32, steps: 128 },
  { channels: 64, taps: 2, batch: 32, steps: 128 },
  { channels: 64, taps: 4, batch: 32, steps: 128 },
  { channels: 64, taps: 5, batch: 32, steps: 128 },
  { channels: 64, taps: 3, dilation: 2, batch: 32, steps: 128 },
  { channels: 64, taps: 3, dilation: 8, batch: 32, steps: 128 },
];

const FORMS: readonly Variant["filters"][] = [false, { least: 1 }];

function prepared({ channels, taps, dilation = 1 }: Case, batch: number, steps: number, filters: Variant["filters"]): Form {
  const text = `f(x) → y\n  y = tanh(W ∗ x + b)\n  where W : kernel ${taps}, dilation ${dilation}, x ∈ ℝ^D, y ∈ ℝ^H\n`;
  const { network } = analyze({ name: "convolution.gate", text });
  if (network === undefined) throw new Error("the convolution does not compile");
  return prepareForm(network, { D: channels, H: channels }, { batch, steps, filters });
}

/** The largest error of any output or gradient, relative to its largest value, against the interpreter. */
function errorOf({ graph, executable, step }: Form, steps: number): number {
  step();
  const given = Object.fromEntries(
    graph.nodes.flatMap(({ op, attributes: { name } }) => (op === "input" || op === "weight" ? [[name!, floatBuffer(executable, name!)]] : [])),
  );
  return Object.entries(interpret(graph, given, { T: steps })).reduce((worst, [name, values]) => {
    const got = floatBuffer(executable, name);
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    return values.reduce((most, value, i) => Math.max(most, Math.abs(value - got[i]) / largest), worst);
  }, 0);
}

/** Prints a line for each case. */
export function filters(): void {
  const line = (cells: readonly string[]): void => console.log(cells.map((cell, i) => (i === 0 ? cell.padEnd(48) : cell.padStart(14))).join(""));
  line(["milliseconds", "tap by tap", "minimal", "ahead", "MiB", "error", "error"]);
  for (const each of CASES) {
    const forms = FORMS.map((form) => prepared(each, each.batch, each.steps, form));
    const best = race(forms, ROUNDS_MS);
    const { channels, taps, dilation, batch, steps } = each;
    const errors = channels > 64 ? [] : FORMS.map((form) => errorOf(prepared(each, FEW_EXAMPLES, FEW, form), FEW).toExponential(1));
    line([
      `${channels} channels, ${taps} taps${dilation ? `, dilation ${dilation}` : ""}, B = ${batch}, T = ${steps}`,
      ...best.map((ms) => ms.toFixed(3)),
      `${(best[0] / best[1]).toFixed(2)}×`,
      forms.map((form) => mebibytes(form).toFixed(1)).join(" → "),
      ...errors,
    ]);
  }
}
