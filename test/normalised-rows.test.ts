/** Phases 2 to 4 on rows that are normalised in a recurrence: the same values and gradients as taken of the equations as written, in the form in which they run fast. */
import { expect, test } from "vitest";
import { analyze, lower } from "../src/compile.ts";
import { interpret } from "../src/ir/tensor/interpret.ts";
import type { Graph, Op } from "../src/ir/tensor/node.ts";
import { randomAt, randomKeys } from "../src/ir/tensor/random.ts";
import { differentiate } from "../src/phases/3-differentiate/differentiate.ts";
import { resolveSizes } from "../src/model/sizes.ts";

const T = 5;

function training(text: string): { readonly plain: Graph; readonly fast: Graph } {
  const { network } = analyze({ name: "rows.gate", text });
  const sizes = resolveSizes(network!, { H: 6, D: 3 });
  const lowering = lower(network!, {
    sizes,
    batch: 2,
    mode: "train",
    initial: "fresh",
    lengths: false,
    reset: false,
    outputs: ["loss"],
    gradient: { of: "loss", inputs: ["x"] },
  });
  return { plain: differentiate(lowering.stages[0].graph, { objective: "loss", weights: "all", inputs: ["x"] }), fast: lowering.graph };
}

function bindings(graph: Graph): Record<string, Float64Array> {
  const leaves = graph.nodes.filter(({ op }) => op === "input" || op === "weight");
  return Object.fromEntries(
    leaves.map(({ attributes, axes }, seed) => {
      const length = axes.reduce((n, axis) => n * (graph.axes.get(axis) === "T" ? T : (graph.axes.get(axis) as number)), 1);
      const keys = randomKeys(seed, 1);
      return [attributes.name!, Float64Array.from({ length }, (_, i) => randomAt(keys, i) * 2 - 0.5)];
    }),
  );
}

const scans = (graph: Graph): Graph[] => graph.nodes.flatMap(({ attributes }) => (attributes.scan ? [attributes.scan.body] : []));
const count = (graph: Graph, op: Op): number => graph.nodes.filter((node) => node.op === op).length;
/** Values of rows that a scan writes for every step, its next states included. */
const written = ({ nodes, outputs }: Graph): number => new Set(outputs.map(({ node }) => node).filter((node) => nodes[node].axes.length === 2)).size;

test.each([
  ["layer_norm", "h = tanh(a∘layer_norm(U·h[t-1]) + d∘layer_norm(W·x) + b)", [4, 3]],
  ["rms_norm", "h = tanh(a∘rms_norm(U·h[t-1]) + d∘rms_norm(W·x) + b)", [4, 3]],
  ["a normalised weight", "h = tanh(W·x + layer_norm(U)·h[t-1] + b)", [3, 2]],
])("%s in a recurrence", (_, equation, rows) => {
  const { plain, fast } = training(`cell(x, target) → h\n  ${equation}\n  loss = mse(h, target)\n`);
  const given = bindings(plain);
  const [before, after] = [interpret(plain, given, { T }), interpret(fast, given, { T })];
  for (const { name } of fast.outputs) for (const [i, value] of before[name].entries()) expect(after[name][i], `${name}[${i}]`).toBeCloseTo(value, 9);
  const bodies = scans(fast);
  expect(bodies.map(written)).toEqual(rows);
  // Means are in the weights; what is left is a product, and a sum of squares or of products.
  expect(bodies.flatMap((body) => [count(body, "sum"), count(body, "contract")])).toEqual(equation.includes("(U·") ? [0, 2, 0, 2] : [0, 1, 0, 1]);
  expect(fast.nodes.filter(({ axes }) => axes.includes("t") && axes.filter((axis) => axis.startsWith("H")).length > 1)).toEqual([]); // no gradient of a weight for every step
});
