/**
 * Moves what is made of statics alone out of recurrences before gradients are taken: its gradient is then taken once, not for every step.
 *
 * In: a graph without gradients. Out: the same function, in which reductions and products of weights (a weight that is centred or normalised), with what is computed from
 * them alone, stand before the scan and are statics of their own. Cheaper work of statics stays: `hoist` finds it later.
 */
import { graphBuilder, type GraphBuilder, type NodeId } from "../../ir/tensor/build.ts";
import { copyNode, importNodes } from "../../ir/tensor/copy.ts";
import type { Graph, Node } from "../../ir/tensor/node.ts";
import type { Firing } from "../../ir/tensor/rewrite.ts";
import { HEAVY, remake, type Replacement } from "./remake.ts";

export function hoistStatics(graph: Graph, trace: Firing[]): Graph {
  const replacements = new Map<number, Replacement>();
  for (const [index, node] of graph.nodes.entries()) {
    const scan = node.attributes.scan;
    if (!scan || scan.chunk !== undefined) continue;
    const leaving = leavingNodes(scan.body);
    if (leaving.length === 0) continue;
    for (const i of leaving) {
      const { op, name } = scan.body.nodes[i];
      trace.push({ rule: "statics leave the recurrence", op, became: op, name: name ?? scan.stateNames.join(", ") });
    }
    replacements.set(index, (g, get) => withoutStatics(g, node, node.args.map(get), leaving));
  }
  return replacements.size === 0 ? graph : remake(graph, replacements);
}

/** Nodes of a body made of statics alone, with a reduction or a product on the way, that the rest of the body reads. */
function leavingNodes({ nodes, outputs }: Graph): number[] {
  const fixed: boolean[] = [];
  const heavy: boolean[] = [];
  const read = new Set(outputs.map(({ node }) => node));
  for (const [i, { op, args, attributes }] of nodes.entries()) {
    const leaf = op === "constant" || (op === "parameter" && attributes.kind === "static");
    fixed.push(leaf || (args.length > 0 && op !== "random" && args.every((arg) => fixed[arg])));
    heavy.push(fixed[i] && (HEAVY.has(op) || args.some((arg) => heavy[arg])));
    if (!heavy[i]) for (const arg of args) read.add(arg);
  }
  return [...nodes.keys()].filter((i) => heavy[i] && read.has(i));
}

function withoutStatics(g: GraphBuilder, node: Node, args: readonly NodeId[], leaving: readonly number[]): NodeId {
  const scan = node.attributes.scan!;
  const { body, sequences, statics } = scan;
  const outside = new Map<number, NodeId>();
  const lift = (i: number): NodeId => {
    const inner = body.nodes[i];
    const made = outside.get(i) ?? (inner.op === "parameter" ? args[sequences + inner.attributes.index!] : copyNode(g, inner, inner.args.map(lift)));
    outside.set(i, made);
    return made;
  };
  const moved = leaving.map(lift);
  const inner = graphBuilder(body.axes);
  const place = importNodes(inner, body, {
    replace: ({ type }, i) => {
      const k = leaving.indexOf(i);
      return k < 0 ? undefined : inner.parameter("static", statics + k, { axes: g.axesOf(moved[k]), type });
    },
  });
  const outputs = body.outputs.map(({ name, node: id }) => ({ name, node: inner.transpose(place.get(id)!, body.nodes[id].axes) }));
  const split = sequences + statics;
  return g.scanNode([...args.slice(0, split), ...moved, ...args.slice(split)], {
    ...scan,
    statics: statics + leaving.length,
    body: inner.finish(outputs),
  });
}
