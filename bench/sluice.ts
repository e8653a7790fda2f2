/**
 * Sluice as a peer of its own bench: the same workloads from equations, through the compiler, on compiled kernels.
 *
 * In: a workload and its arrays. Out: `check` (results for the reference) and `step` (what is timed). Weights packed by rows go to the named weights of
 * the standard mechanisms. A training step is what the training loop does: fill the inputs, run gradients, run the update, read the loss.
 */
import { analyze, compileProgram, lower } from "../src/compile.ts";
import type { Network } from "../src/ir/network/node.ts";
import type { Program } from "../src/ir/program/node.ts";
import { MECHANISMS } from "../src/mechanisms/index.ts";
import { type ParameterSlot, parameterLayout } from "../src/model/parameters.ts";
import { resolveSizes } from "../src/model/sizes.ts";
import { type Executable, floatBuffer } from "../src/runtime/executable.ts";
import { codeOptions } from "../src/runtime/wasm/engine.ts";
import { loadProgram } from "../src/runtime/wasm/load.ts";
import type { ThreadPool } from "../src/runtime/wasm/threads.ts";
import { renderReport } from "../src/support/report.ts";
import { optimizerGraph } from "../src/train/optimizer.ts";
import type { Results } from "./reference.ts";
import { ADAM, HEADS, OPTIMIZER, type Workload, type WorkloadArrays } from "./workloads.ts";

export const label = "Sluice";

export interface Prepared {
  readonly executable: Executable;
  check(): Promise<Results>;
  step(): unknown;
}

const TEXTS: Partial<Record<Workload["kind"], string>> = {
  "lstm inference": "net(x) → h\n  h = lstm(x)\n",
  "lstm streaming": "net(x) → h\n  h = lstm(x)\n",
  "lstm training": "net(x, target) → h\n  h = lstm(x)\n  loss = mse(h, target)\n",
  "gru training": "net(x, target) → h\n  h = torch_gru(x)\n  loss = mse(h, target)\n",
  "mingru training": "net(x, target) → h\n  h = mingru(x)\n  loss = mse(h, target)\n",
  convolution: "net(x, target) → h\n  h = gated_conv(x)\n  loss = mse(h, target)\n",
  attention: "net(x, target) → h\n  h = attention(x)\n  loss = mse(h, target)\n",
  adding: "net(x, target) → y\n  h = lstm(x)\n  y = wy·h + by\n  loss = (y - target)^2\n  where target ∈ ℝ, target : static, wy ∈ ℝ^H, by ∈ ℝ\n",
};

/** Names in the text of the blocks of a packed weight, in the order of its rows. */
function blocksOf(kind: Workload["kind"], packed: string): readonly string[] {
  if (packed === "Wy") return ["wy"];
  if (packed === "by") return ["by"];
  if (kind === "gru training") {
    const letter = { Wx: "Wi", Wh: "Wh", bx: "bi", bh: "bh" }[packed];
    return ["r", "z", "n"].map((gate) => `h.${letter}${gate}`);
  }
  if (kind === "mingru training" || kind === "attention") return [`h.${packed}`];
  if (kind === "convolution") return [`h.${{ b: "bf", c: "bg" }[packed] ?? packed}`];
  const letter = { Wx: "Wx", Wh: "Wh", b: "b" }[packed];
  return ["i", "f", "c", "o"].map((gate) => `h.${letter}${gate}`);
}

/** [rows, parts, columns] as [parts, rows, columns], or back: the output matrix of attention is one matrix for each head. */
function exchanged(values: Float32Array, rows: number, parts: number): Float32Array {
  const columns = values.length / rows / parts;
  const result = new Float32Array(values.length);
  for (let r = 0; r < rows; r++) {
    for (let p = 0; p < parts; p++) {
      const from = (r * parts + p) * columns;
      result.set(values.subarray(from, from + columns), (p * rows + r) * columns);
    }
  }
  return result;
}

const isPerHead = (kind: Workload["kind"], packed: string): boolean => kind === "attention" && packed === "Wo";

const isTraining = ({ kind }: Workload): boolean => kind !== "lstm inference" && kind !== "lstm streaming";

export interface BuildOptions {
  readonly threads?: number;
  readonly fused?: boolean;
  /** Every step becomes a function that can be called and timed. */
  readonly profile?: boolean;
}

export interface Built {
  readonly program: Program;
  readonly slots: readonly ParameterSlot[];
}

/** The program of a workload; undefined if it cannot be said. */
export function programOf(workload: Workload, { threads, fused = false, profile }: BuildOptions = {}): Built | undefined {
  const text = TEXTS[workload.kind];
  if (text === undefined) return undefined;
  const { kind, T, B } = workload;
  const network = networkOf(text);
  const training = isTraining(workload);
  const sizes = resolveSizes(network, sizesOf(network, workload));
  const { slots, count } = parameterLayout(network, sizes);
  const { graph } = lower(network, {
    sizes,
    batch: B,
    mode: training ? "train" : "evaluate",
    initial: kind === "lstm streaming" ? "carried" : "fresh",
    lengths: false,
    reset: false,
    outputs: training ? ["loss"] : ["h"],
    ...(training ? { gradient: { of: "loss" as const, inputs: kind === "adding" ? [] : ["x"] } } : {}),
  });
  const units = [{ entry: "forward", graph }, ...(training ? [{ entry: "update", graph: optimizerGraph(OPTIMIZER, count) }] : [])];
  return { program: compileProgram(units, { capacity: T, batch: B, weights: slots, threads, ...codeOptions(fused), profile }).program, slots };
}

/** Makes a workload ready; undefined if it cannot be said yet. */
export async function prepare(
  workload: Workload,
  arrays: WorkloadArrays,
  options: BuildOptions = {},
  pool?: ThreadPool,
): Promise<Prepared | undefined> {
  const built = programOf(workload, options);
  return built && prepareProgram(workload, arrays, built.program, pool);
}

/** A program of a workload with its weights in place. */
export function prepareProgram(workload: Workload, { inputs, weights }: WorkloadArrays, program: Program, pool?: ThreadPool): Prepared {
  const { kind, T, H } = workload;
  const executable = loadProgram(program, pool);
  for (const [name, packed] of Object.entries(weights)) {
    const values = isPerHead(kind, name) ? exchanged(packed, H, HEADS) : packed;
    const blocks = blocksOf(kind, name);
    const length = values.length / blocks.length;
    blocks.forEach((block, i) => floatBuffer(executable, block).set(values.subarray(i * length, (i + 1) * length)));
  }
  if (prepares(executable)) executable.run("prepare", T);
  return isTraining(workload) ? trainer(workload, executable, inputs, Object.keys(weights)) : runner(workload, executable, inputs);
}

/** True if something must be computed anew after the weights changed. */
function prepares({ program }: Executable): boolean {
  return program.entries.some(({ name }) => name === "prepare");
}

function networkOf(text: string): Network {
  const source = { name: "bench.gate", text };
  const { network, diagnostics } = analyze(source, { library: MECHANISMS });
  if (network === undefined) throw new Error(renderReport(diagnostics, source));
  return network;
}

/** Free sizes by what they measure: the features of x, heads and their width, and else hidden units. */
function sizesOf(network: Network, { kind, D, H }: Workload): Record<string, number> {
  const features = network.inputs.find(({ name }) => name === "x")!.shape[0].terms[0].names[0];
  const measure = (name: string): number => {
    if (name === features) return D;
    if (kind === "attention" && name.endsWith("N")) return HEADS;
    if (kind === "attention" && /[KV]$/.test(name)) return H / HEADS;
    return H;
  };
  return Object.fromEntries(network.sizes.filter(({ free }) => free).map(({ name }) => [name, measure(name)]));
}

function runner({ kind, T, B, H }: Workload, executable: Executable, { x }: Readonly<Record<string, Float32Array>>): Prepared {
  const xBuffer = floatBuffer(executable, "x");
  const hBuffer = floatBuffer(executable, "h");
  const result = new Float32Array(T * B * H);
  const step = (): Float32Array => {
    xBuffer.set(x);
    executable.run("forward", T);
    result.set(hBuffer.subarray(0, result.length));
    return result;
  };
  return {
    executable,
    step,
    check: async () => {
      if (kind === "lstm streaming") for (const [name, view] of executable.buffers) if (name.startsWith("state:")) view.fill(0);
      return { h: step().slice() };
    },
  };
}

function trainer(
  { kind, T, B, H }: Workload,
  executable: Executable,
  inputs: Readonly<Record<string, Float32Array>>,
  weights: readonly string[],
): Prepared {
  const views = Object.entries(inputs).map(([name, values]) => ({ view: floatBuffer(executable, name), values }));
  const lossWeight = new Float32Array(T * B);
  if (kind === "adding") lossWeight.fill(1 / B, (T - 1) * B);
  else lossWeight.fill(1 / (T * B));
  floatBuffer(executable, "loss_weight").set(lossWeight);
  const scalar = (name: string): Float32Array => floatBuffer(executable, name);
  scalar("clip")[0] = Number.MAX_VALUE;
  scalar("learning_rate")[0] = ADAM.learningRate;
  const loss = scalar("loss");
  let count = 0;
  const differentiate = (): void => {
    for (const { view, values } of views) view.set(values);
    executable.run("forward", T);
  };
  const step = (): number => {
    count++;
    differentiate();
    scalar("correction1")[0] = 1 / (1 - ADAM.beta1 ** count);
    scalar("correction2")[0] = 1 / (1 - ADAM.beta2 ** count);
    executable.run("update", T);
    if (prepares(executable)) executable.run("prepare", T);
    return loss[0];
  };
  const check = async (): Promise<Results> => {
    differentiate();
    const results: Record<string, Float32Array> = { loss: loss.slice(0, 1) };
    for (const name of weights) {
      const parts = blocksOf(kind, name).map((block) => floatBuffer(executable, `gradient:${block}`));
      const joined = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
      parts.reduce((offset, part) => {
        joined.set(part, offset);
        return offset + part.length;
      }, 0);
      results[`d${name}`] = isPerHead(kind, name) ? exchanged(joined, HEADS, H) : joined;
    }
    if (kind !== "adding") results.dx = floatBuffer(executable, "gradient:x").slice(0, inputs.x.length);
    return results;
  };
  return { executable, check, step };
}
