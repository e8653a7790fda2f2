/**
 * One delay by d steps in the place of d delays by one.
 *
 * In: a graph without gradients. Out: the same, where delays of delays that nothing else reads, all filled with one constant, are one node: a chain would copy the whole
 * sequence once for each step (a convolution of dilation 512 a thousand times). The delays that a convolution's taps read stay what they are.
 *
 *     shift_a(shift_b(x, c), c)  =  shift_{a+b}(x, c)        a·b > 0
 */
import { withoutAxes } from "../../ir/tensor/axes.ts";
import type { Graph } from "../../ir/tensor/node.ts";
import type { Firing } from "../../ir/tensor/rewrite.ts";
import { readersOf, remake, type Replacement } from "./remake.ts";

export function joinDelays(graph: Graph, trace: Firing[]): Graph {
  if (graph.nodes.every(({ op }) => op !== "shift")) return graph;
  const readers = readersOf(graph);
  const replacements = new Map<number, Replacement>();
  for (const [i, node] of graph.nodes.entries()) {
    if (node.op !== "shift") continue;
    const fill = fillOf(graph, i);
    if (fill === undefined || readers[i].some((reader) => reader >= 0 && continues(graph, reader, i, readers))) continue;
    let root = node.args[0];
    let lag = node.attributes.lag!;
    for (let last = i; continues(graph, last, root, readers); ) {
      last = root;
      lag += graph.nodes[root].attributes.lag!;
      root = graph.nodes[root].args[0];
    }
    if (lag === node.attributes.lag) continue;
    trace.push({ rule: "join delays", op: "shift", became: "shift" });
    replacements.set(i, (g, get) => {
      const x = get(root);
      const lags = g.freshAxis("lag", Math.abs(lag));
      return g.shift(x, lag, g.filled(fill, [lags, ...withoutAxes(g.axesOf(x), ["t"])]), lags);
    });
  }
  return replacements.size === 0 ? graph : remake(graph, replacements);
}

/** True if `late` delays what `early` delays, alone, in the same direction and with the same constant. */
function continues(graph: Graph, late: number, early: number, readers: readonly (readonly number[])[]): boolean {
  const [after, before] = [graph.nodes[late], graph.nodes[early]];
  if (after.op !== "shift" || before.op !== "shift" || after.args[0] !== early || readers[early].length !== 1) return false;
  const fill = fillOf(graph, early);
  return fill !== undefined && fill === fillOf(graph, late) && Math.sign(after.attributes.lag!) === Math.sign(before.attributes.lag!);
}

/** The constant that a delay is filled with. */
function fillOf(graph: Graph, shift: number): number | undefined {
  let initial = graph.nodes[graph.nodes[shift].args[1]];
  while (initial.op === "broadcast") initial = graph.nodes[initial.args[0]];
  return initial.op === "constant" ? initial.attributes.value : undefined;
}
