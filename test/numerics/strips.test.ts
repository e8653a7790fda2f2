import { expect, test } from "vitest";
import { interpretLoops } from "../../src/ir/loop/interpret.ts";
import { verifyLoopModule } from "../../src/ir/loop/verify.ts";
import { graphBuilder } from "../../src/ir/tensor/build.ts";
import { interpret } from "../../src/ir/tensor/interpret.ts";
import type { Graph } from "../../src/ir/tensor/node.ts";
import { mixBits } from "../../src/ir/tensor/random.ts";
import { verify } from "../../src/ir/tensor/verify.ts";
import { differentiate } from "../../src/phases/3-differentiate/differentiate.ts";
import { schedule } from "../../src/phases/5-schedule/schedule.ts";

/** Layers of attention over the past (or all steps), each with an output projection and a residual; gradients of Σ y·dy + Σ y². */
function attention(B: number, N: number, K: number, V: number, D: number, causal: boolean, layers = 1): Graph {
  const g = graphBuilder([
    ["t", "T"],
    ["s", "T"],
    ["b", B],
    ["n", N],
    ["K", K],
    ["V", V],
    ["D", D],
  ]);
  let x = g.input("x", ["t", "b", "D"]);
  const outputs: Record<string, number> = {};
  for (let layer = 1; layer <= layers; layer++) {
    const [q, k, v] = [
      ["q", "K"],
      ["k", "K"],
      ["v", "V"],
    ].map(([name, size]) => g.contract(x, g.weight(`W${name}${layer}`, ["n", size, "D"]), "D"));
    const scores = g.mul(g.contract(q, g.rename(k, "t", "s"), "K"), g.constant(1 / Math.sqrt(K)));
    const seen = g.less_equal(g.iota("s"), g.iota("t"));
    const masked = causal ? g.select(seen, scores, g.constant(Number.NEGATIVE_INFINITY)) : scores;
    const weights = g.exp(g.sub(masked, g.max_over(masked, "s")));
    const a = g.div(weights, g.sum(weights, "s"));
    const read = g.contract(a, g.rename(v, "t", "s"), "s");
    outputs[`read${layer}`] = read;
    x = g.add(x, g.tanh(g.contract(read, g.weight(`Wo${layer}`, ["D", "n", "V"]), ["n", "V"])));
  }
  const objective = g.sum(g.add(g.mul(x, x), g.mul(x, g.input("dy", ["t", "b", "D"]))), ["t", "b", "D"]);
  return differentiate(g.finish({ y: x, ...outputs, objective }), { objective: "objective", weights: "all", inputs: ["x"] });
}

for (const causal of [true, false]) {
  for (const [B, N, K, V, D, T, capacity, layers] of [
    [1, 1, 2, 2, 2, 3, 3, 1],
    [2, 2, 4, 3, 5, 37, 40, 1],
    [1, 2, 5, 6, 4, 70, 75, 1],
    [2, 2, 3, 4, 5, 35, 35, 3],
  ] as const) {
    test(`attention in strips: causal ${causal}, B ${B}, T ${T}, ${layers} layers`, () => {
      const graph = attention(B, N, K, V, D, causal, layers);
      verify(graph);
      const size = (axis: string): number => (graph.axes.get(axis) === "T" ? T : (graph.axes.get(axis) as number));
      const leaves = graph.nodes.filter((node) => node.op === "input" || node.op === "weight");
      const bindings: Record<string, Float64Array> = {};
      leaves.forEach((node, which) => {
        const count = node.axes.reduce((product, axis) => product * size(axis), 1);
        bindings[node.attributes.name!] = Float64Array.from({ length: count }, (_, i) =>
          Math.fround((mixBits(which * 7919 + i) >>> 8) / 2 ** 23 - 1),
        );
      });
      const weights = leaves.filter((node) => node.op === "weight").map((node) => ({ name: node.attributes.name!, shape: node.axes.map(size) }));
      const { loops, buffers, memoryBytes } = schedule([{ entry: "run", graph }], { capacity, weights });
      verifyLoopModule(loops);
      expect(loops.functions.some((one) => one.comment?.startsWith("strips"))).toBe(true);
      const memory = new ArrayBuffer(memoryBytes + 64);
      new Float32Array(memory).fill(Number.NaN);
      for (const buffer of buffers) {
        const values = bindings[buffer.name];
        if (values && (buffer.role === "input" || buffer.role === "weight")) new Float32Array(memory, buffer.offsetBytes, values.length).set(values);
      }
      interpretLoops(loops, "prepare", [T], memory);
      interpretLoops(loops, "run", [T], memory);
      const wanted = interpret(graph, bindings, { T });
      for (const { name } of graph.outputs) {
        const buffer = buffers.find((one) => one.name === name && one.role !== "input")!;
        const got = new Float32Array(memory, buffer.offsetBytes, wanted[name].length);
        const worst = wanted[name].reduce(
          (most, value, i) => (Math.abs(got[i] - value) <= most ? most : Number.isNaN(got[i]) ? Number.POSITIVE_INFINITY : Math.abs(got[i] - value)),
          0,
        );
        const largest = wanted[name].reduce((most, value) => Math.max(most, Math.abs(value)), 1);
        expect(worst / largest, name).toBeLessThan(3e-5);
      }
    });
  }
}

test("memory of attention grows as T, not T²", () => {
  const graph = attention(2, 2, 8, 8, 8, true);
  const weights = graph.nodes
    .filter((node) => node.op === "weight")
    .map((node) => ({ name: node.attributes.name!, shape: node.axes.map((axis) => graph.axes.get(axis) as number) }));
  const bytes = (capacity: number): number => schedule([{ entry: "run", graph }], { capacity, weights }).memoryBytes;
  expect(bytes(8192) / bytes(1024)).toBeLessThan(8.2);
});
