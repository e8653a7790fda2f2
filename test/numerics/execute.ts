/**
 * Runs one variant of a network on either device from plain arrays, for tests that compare devices, batches and chunks.
 *
 * In: network, variant, arrays by the names of the built graph. Out: copies of all outputs by name. Kernels get poisoned memory and room to spare.
 */
import { compilerOptions, type Kernels, kernelsNamed } from "../../scripts/fixtures/kernels.ts";
import { compileProgram, lower } from "../../src/compile.ts";
import type { Network } from "../../src/ir/network/node.ts";
import type { Variant } from "../../src/ir/network/variant.ts";
import { interpret } from "../../src/ir/tensor/interpret.ts";
import type { Graph } from "../../src/ir/tensor/node.ts";
import { shapeOf } from "../../src/model/sizes.ts";
import { denseValues, type Executable, writeDense } from "../../src/runtime/executable.ts";
import { loadProgram } from "../../src/runtime/wasm/load.ts";

export type Arrays = ReadonlyMap<string, Float64Array | Int32Array>;
export type Outputs = Readonly<Record<string, Float64Array | Float32Array | Int32Array>>;

export function interpretGraph(graph: Graph, arrays: Arrays, steps: number): Outputs {
  return interpret(graph, Object.fromEntries(arrays), { T: steps });
}

/** A compiled variant with its weights in place. */
export interface Loaded {
  readonly executable: Executable;
  readonly graph: Graph;
}

/** How the code is made and who runs it. */
export type Kind = Kernels;

/** What is not said otherwise: SLUICE_KERNELS ("fused rows=6 threads=2") makes every test of kernels one of that kind; scripts/kinds.mjs goes through them. */
export const USUAL: Kernels = await kernelsNamed(process.env.SLUICE_KERNELS);

/** Compiles a variant; `lowered` is its graph, if the caller has it already. */
export function load(network: Network, variant: Variant, weights: Arrays, capacity: number, lowered?: Graph, kind: Kind = {}): Loaded {
  const graph = lowered ?? lower(network, variant).graph;
  const shapes = network.weights.map(({ name, shape }) => ({ name, shape: shapeOf(shape, variant.sizes, name) }));
  const kernels = { ...USUAL, ...kind };
  const compiling = { capacity, batch: variant.batch, weights: shapes, ...compilerOptions(kernels) };
  const { program } = compileProgram([{ entry: "run", graph }], compiling);
  const executable = loadProgram(program, kernels.pool);
  for (const view of executable.buffers.values()) if (view instanceof Float32Array) view.fill(Number.NaN);
  for (const { name } of network.weights) executable.buffers.get(name)!.set(weights.get(name)!);
  if (program.entries.some(({ name }) => name === "prepare")) executable.run("prepare", capacity);
  return { executable, graph };
}

/** Fills the inputs (a name that the program does not read is skipped), runs, and copies the outputs. */
export function runLoaded({ executable, graph }: Loaded, inputs: Arrays, steps: number): Outputs {
  for (const [name, values] of inputs) if (executable.buffers.has(name)) writeDense(executable, name, steps, values);
  executable.run("run", steps);
  return Object.fromEntries(graph.outputs.map(({ name }) => [name, denseValues(executable, name, steps)]));
}
