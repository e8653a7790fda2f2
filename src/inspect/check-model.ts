/**
 * The compiled gradient of a model against finite differences of its definition.
 *
 * In: a network with a loss, sizes, parameters, one batch. Out: a `GradientCheck`. The gradient comes from the compiled kernels (float32, every pass of
 * the compiler); the loss that it is judged by comes from the unsimplified graph in the float64 interpreter, so the two share nothing but the equations.
 */
import { compileProgram, lower } from "../compile.ts";
import type { Network } from "../ir/network/node.ts";
import type { Variant } from "../ir/network/variant.ts";
import { interpret } from "../ir/tensor/interpret.ts";
import type { Graph, Node } from "../ir/tensor/node.ts";
import { createFeed, type FeedBatch } from "../model/feed.ts";
import { parameterLayout } from "../model/parameters.ts";
import type { Executable } from "../runtime/executable.ts";
import { loadProgram } from "../runtime/wasm/load.ts";
import { invariant } from "../support/invariant.ts";
import { checkGradient, type GradientCheck } from "./gradient-check.ts";

/** Checks `perWeight` coordinates of every weight. The batch should be small: the interpreter runs four times for each coordinate. */
export function checkModelGradient(
  network: Network,
  sizes: Readonly<Record<string, number>>,
  parameters: Float32Array,
  batch: FeedBatch,
  perWeight = 2,
): GradientCheck {
  invariant(network.loss !== undefined, "a gradient check needs a loss");
  const { slots } = parameterLayout(network, sizes);
  const variant: Variant = {
    sizes,
    batch: batch.batch,
    mode: "evaluate",
    initial: "fresh",
    lengths: batch.lengths !== undefined,
    reset: false,
    outputs: ["loss"],
    gradient: { of: "loss", inputs: [] },
  };
  const { program } = compileProgram([{ entry: "gradient", graph: lower(network, variant).graph }], {
    capacity: batch.steps,
    batch: batch.batch,
    weights: slots.map(({ name, shape }) => ({ name, shape })),
  });
  const executable = loadProgram(program);
  executable.buffers.get("parameters")!.set(parameters);
  createFeed(executable, network).load(batch);
  for (const entry of program.entries) executable.run(entry.name, batch.steps);
  const gradient = Float64Array.from(executable.buffers.get("gradients")!);

  const definition = lower(network, { ...variant, gradient: undefined }).stages[0].graph;
  const bindings = bindingsOf(definition, executable, batch.steps);
  const loss = (at: Float64Array): number => {
    for (const slot of slots) bindings[slot.name] = at.subarray(slot.offset, slot.offset + slot.length);
    return interpret(definition, bindings, { T: batch.steps }).loss[0];
  };
  const ranges = slots.map(({ name, offset, length }) => ({ name, start: offset, length }));
  return checkGradient(loss, parameters, gradient, ranges, { perWeight });
}

/** Copies of the inputs that the graph reads, as they lie in the executable's buffers. */
function bindingsOf(graph: Graph, executable: Executable, steps: number): Record<string, ArrayLike<number>> {
  const bindings: Record<string, ArrayLike<number>> = {};
  const visit = (nodes: readonly Node[]): void => {
    for (const node of nodes) {
      if (node.op === "input") {
        const name = node.attributes.name!;
        const length = node.axes.reduce((product, axis) => product * (graph.axes.get(axis) === "T" ? steps : (graph.axes.get(axis) as number)), 1);
        const view = executable.buffers.get(name);
        invariant(view !== undefined, `the compiled program has no input ${name}`);
        bindings[name] = view.slice(0, length);
      }
      if (node.attributes.scan) visit(node.attributes.scan.body.nodes);
    }
  };
  visit(graph.nodes);
  return bindings;
}
