/** What `explain --diff` shows: other numbers and another order are no change, one changed value is one changed line, and stacked products show as what they are. */
import { expect, test } from "vitest";
import { lower } from "../compile.ts";
import type { Graph, Node } from "../ir/tensor/node.ts";
import { printGraph } from "../ir/tensor/print.ts";
import { MECHANISMS, type MechanismName } from "../mechanisms/index.ts";
import { compile } from "../model/compiled.ts";
import { createRandom, type Random } from "../support/random.ts";
import { alignGraphs } from "./align-graphs.ts";
import { diffLines } from "./diff-lines.ts";

function stagesOf(name: MechanismName): readonly { readonly name: string; readonly graph: Graph }[] {
  const network = compile(MECHANISMS[name]).network!;
  const sizes = Object.fromEntries(network.sizes.map((size, k) => [size.name, size.value ?? 2 ** (k + 3)]));
  return lower(network, { sizes, batch: 2, mode: "evaluate", initial: "fresh", lengths: false, reset: false, outputs: network.outputs }).stages;
}

const changesOf = (before: Graph, after: Graph) => {
  const lines = alignGraphs(printGraph(before), printGraph(after));
  return diffLines(lines.before, lines.after).filter(({ kind }) => kind !== "same");
};

/** The same graph with its nodes in another topological order, those of bodies too, and sums and products turned round. */
function shuffled(graph: Graph, random: Random): Graph {
  const placed = new Map<number, number>();
  const nodes: Node[] = [];
  while (nodes.length < graph.nodes.length) {
    const ready = graph.nodes.flatMap((node, number) => (!placed.has(number) && node.args.every((arg) => placed.has(arg)) ? [number] : []));
    const number = ready[random.integer(ready.length)];
    const node = graph.nodes[number];
    const args = node.args.map((arg) => placed.get(arg)!);
    const { scan } = node.attributes;
    const attributes = scan === undefined ? node.attributes : { ...node.attributes, scan: { ...scan, body: shuffled(scan.body, random) } };
    placed.set(number, nodes.length);
    nodes.push({ ...node, attributes, args: ["add", "mul"].includes(node.op) ? args.reverse() : args });
  }
  return { ...graph, nodes, outputs: graph.outputs.map(({ name, node }) => ({ name, node: placed.get(node)! })) };
}

/** The graph with one op changed: the k-th of its kind, in the body if it is there. */
function changed(graph: Graph, from: Node["op"], to: Node["op"]): Graph {
  const at = graph.nodes.findIndex((node) => node.op === from);
  return {
    ...graph,
    nodes: graph.nodes.map((node, number) => {
      if (number === at) return { ...node, op: to };
      const { scan } = node.attributes;
      return scan === undefined ? node : { ...node, attributes: { ...node.attributes, scan: { ...scan, body: changed(scan.body, from, to) } } };
    }),
  };
}

test.each(["gru", "peephole_lstm", "attention", "gated_delta_net"] as const)("%s: another order and other numbers are no change", (name) => {
  for (const { graph } of stagesOf(name))
    for (let seed = 1; seed <= 5; seed++) expect(changesOf(graph, shuffled(graph, createRandom(seed)))).toEqual([]);
});

test("one changed value is one changed line, whatever comes after it", () => {
  const [{ graph }] = stagesOf("gru");
  const changes = changesOf(graph, shuffled(changed(graph, "sigmoid", "softplus"), createRandom(3)));
  expect(changes.map(({ kind, line }) => `${kind} ${line.trim().replaceAll(/\d+/g, "0")}`)).toEqual([
    'removed %0 [b, H] = sigmoid(%0)  # "z" 0:0',
    'added %0 [b, H] = softplus(%0)  # "z" 0:0',
  ]);
});

test("a product that was stacked shows what it is made of, and what uses it stays", () => {
  const [built, , simplified] = stagesOf("gru");
  const lines = changesOf(built.graph, simplified.graph).map(({ kind, line }) => `${kind} ${line.trim()}`);
  // Numbers of the earlier graph: 2, 5 and 7 are the weights of the input.
  expect(lines).toContainEqual(expect.stringMatching(/^added %\d+ \[3H, D\] = concat\(%7, %5, %2\) axis 3H/));
  expect(lines.filter((line) => /tanh|sigmoid|out /.test(line))).toEqual([]);
  expect(lines).toContainEqual(expect.stringMatching(/^added %\d+ \[b, 3H\] = parameter sequence %\d+$/));
  expect(lines.length).toBeLessThan(40);
});
