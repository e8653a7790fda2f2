/**
 * `npm run bench -- --variants`: the LSTM of the library at W3, the same equations written by a user, and its relatives: what a change of equations costs.
 *
 * All from text, with a mean squared error on every h, all gradients, the gradient of the input, and Adam. In turn, best of many rounds in wall or
 * processor time.
 */
import { analyze, compileProgram, lower } from "../src/compile.ts";
import { MECHANISMS } from "../src/mechanisms/index.ts";
import { initialParameters } from "../src/model/initialize.ts";
import { parameterLayout } from "../src/model/parameters.ts";
import { resolveSizes } from "../src/model/sizes.ts";
import type { Program } from "../src/ir/program/node.ts";
import { type Executable, floatBuffer } from "../src/runtime/executable.ts";
import { engineCode } from "../src/runtime/wasm/engine.ts";
import { loadProgram } from "../src/runtime/wasm/load.ts";
import { renderReport } from "../src/support/report.ts";
import { optimizerGraph } from "../src/train/optimizer.ts";
import { now, undisturbed } from "./clock.ts";
import { ADAM, arraysOf, OPTIMIZER, WORKLOADS } from "./workloads.ts";

const ROUNDS_MS = 8000;

const OWN = `own(x) → out
  gate_in = σ(A·x + B·out[t-1] + p)
  gate_keep = σ(C·x + E·out[t-1] + q)
  memory = gate_keep∘memory[t-1] + gate_in∘tanh(F·x + G·out[t-1] + r)
  gate_out = σ(J·x + L·out[t-1] + s)
  out = gate_out∘tanh(memory)

`;

const CELLS: readonly (readonly [string, string, string])[] = [
  ["the library's LSTM", "", "lstm"],
  ["written by a user", OWN, "own"],
  ["peepholes", "", "peephole_lstm"],
  ["layer norm", "", "layer_norm_lstm"],
  ["zoneout", "", "zoneout_lstm"],
];

/** A cell of W3 in a network with a mean squared error: its program, ready to run, and a training step. */
export interface PreparedCell {
  readonly program: Program;
  readonly executable: Executable;
  step(): unknown;
}

/** The mechanism `cell` (or a block of the text `before`) compiled for W3, with all gradients, that of the input, and Adam. */
export function prepareCell(cell: string, before = "", options: { readonly fused?: boolean; readonly profile?: boolean } = {}): PreparedCell {
  const workload = WORKLOADS.find(({ name }) => name === "W3")!;
  const { B, T, D, H } = workload;
  const source = { name: "bench.gate", text: `${before}net(x, target) → h\n  h = ${cell}(x)\n  loss = mse(h, target)\n` };
  const { network, diagnostics } = analyze(source, { library: MECHANISMS });
  if (network === undefined) throw new Error(renderReport(diagnostics, source));
  const features = network.inputs.find(({ name }) => name === "x")!.shape[0].terms[0].names[0];
  const sizes = resolveSizes(
    network,
    Object.fromEntries(network.sizes.filter(({ free }) => free).map(({ name }) => [name, name === features ? D : H])),
  );
  const { slots, count } = parameterLayout(network, sizes);
  const { graph } = lower(network, {
    sizes,
    batch: B,
    mode: "train",
    initial: "fresh",
    lengths: false,
    reset: false,
    outputs: ["loss"],
    gradient: { of: "loss", inputs: ["x"] },
  });
  const units = [
    { entry: "forward", graph },
    { entry: "update", graph: optimizerGraph(OPTIMIZER, count) },
  ];
  const { program } = compileProgram(units, { capacity: T, batch: B, weights: slots, constants: engineCode().constants, ...options });
  const executable = loadProgram(program);
  const { inputs } = arraysOf(workload);
  floatBuffer(executable, "parameters").set(initialParameters(slots, count, 1));
  floatBuffer(executable, "loss_weight").fill(1 / (T * B));
  floatBuffer(executable, "clip")[0] = Number.MAX_VALUE;
  floatBuffer(executable, "learning_rate")[0] = ADAM.learningRate;
  floatBuffer(executable, "correction1")[0] = 1;
  floatBuffer(executable, "correction2")[0] = 1;
  const step = (): void => {
    for (const name of ["x", "target"]) floatBuffer(executable, name).set(inputs[name]);
    executable.run("prepare", T);
    executable.run("forward", T);
    executable.run("update", T);
  };
  return { program, executable, step };
}

/** Prints a line for each cell. */
export function variants(): void {
  const cells = CELLS.map(([name, before, cell]) => ({ name, step: prepareCell(cell, before).step, best: Number.POSITIVE_INFINITY }));
  const began = performance.now();
  while (performance.now() - began < ROUNDS_MS) {
    for (const cell of cells) {
      const start = now();
      cell.step();
      cell.best = Math.min(cell.best, undisturbed(start));
    }
  }
  for (const { name, best } of cells)
    console.log(`${name.padEnd(24)}${best.toFixed(2).padStart(8)} ms${(best / cells[0].best).toFixed(3).padStart(9)}×`);
}
