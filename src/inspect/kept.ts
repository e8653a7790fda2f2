/**
 * What recurrences keep for their gradients, read off the graph with gradients.
 *
 * In: a tensor graph after phase 3. Out: for each recurrence that is differentiated, the values that its backward recurrence reads, by the author's names, with their room
 * per time step and sequence. Reads the graph only, so it cannot claim what did not happen.
 */
import type { Graph, Node, ScanAttributes } from "../ir/tensor/node.ts";

export interface Kept {
  /** States of the recurrence. */
  readonly states: readonly string[];
  readonly values: readonly { readonly name: string; readonly numbers: number }[];
  /** Numbers in all for each time step of one sequence. */
  readonly perStep: number;
}

export function keptForGradients(graph: Graph): Kept[] {
  const found: Kept[] = [];
  for (const [index, { op, attributes }] of graph.nodes.entries()) {
    const scan = attributes.scan;
    if (op !== "scan" || !scan) continue;
    const outputs = new Set<number>();
    for (const reader of graph.nodes) {
      if (reader.op !== "scan" || !isBackwardOf(reader.attributes.scan!, scan)) continue;
      for (const arg of reader.args) {
        const value = graph.nodes[arg].op === "shift" ? graph.nodes[graph.nodes[arg].args[0]] : graph.nodes[arg];
        if (value.op === "emitted" && value.args[0] === index) outputs.add(scan.body.outputs[scan.states + value.attributes.index!].node);
      }
    }
    if (outputs.size === 0) continue;
    const steps = scan.chunk === undefined ? 1 : (graph.axes.get(scan.chunk) as number);
    const values = [...outputs].map((node) => ({
      name: nameOf(scan.body, node, scan.stateNames),
      numbers: numbersOf(graph, scan.body.nodes[node], scan.chunk, steps),
    }));
    found.push({ states: scan.stateNames, values, perStep: values.reduce((sum, { numbers }) => sum + numbers, 0) });
  }
  return found;
}

/** The states of a backward recurrence are the cotangents of forward states, "dh" of "h", and it runs the other way. */
function isBackwardOf(backward: ScanAttributes, forward: ScanAttributes): boolean {
  return backward.reverse !== forward.reverse && backward.stateNames.every((name) => forward.stateNames.some((state) => name === `d${state}`));
}

/** Sentences for `explain`. */
export function keptSentences(kept: readonly Kept[]): string[] {
  return kept.map(({ states, values, perStep }) => {
    const names = [...new Set(values.map(({ name }) => name))];
    const numbers = perStep >= 100 ? Math.round(perStep) : Math.round(10 * perStep) / 10;
    return `kept for the gradient of ${states.join(", ")}: ${names.join(", ")}; ${numbers} numbers for each time step of a sequence, the rest is computed again`;
  });
}

function numbersOf(graph: Graph, { axes }: Node, chunk: string | undefined, steps: number): number {
  const size = axes.reduce((n, axis) => (axis === "b" || axis === chunk ? n : n * (graph.axes.get(axis) as number)), 1);
  return chunk !== undefined && !axes.includes(chunk) ? size / steps : size;
}

/** The author's name of a value, or what it is made by. */
function nameOf(body: Graph, id: number, stateNames: readonly string[]): string {
  const node = body.nodes[id];
  if (node.name !== undefined) return node.name;
  const state = body.outputs.slice(0, stateNames.length).findIndex((output) => output.node === id);
  if (state >= 0) return stateNames[state];
  if (node.op === "parameter" && node.attributes.kind === "state") return stateNames[node.attributes.index!];
  return node.op === "contract" ? "a product" : node.op;
}
