/**
 * Phase 3: adds gradients to a tensor graph.
 *
 * In: a graph and which output is to be differentiated with respect to which weights and inputs. Out: the same graph with an output
 * "gradient:NAME" for each of them. Exact reverse-mode differentiation, one rule per op (pullbacks.ts); recurrences by back-propagation through
 * time (differentiate-scan.ts). Never simplifies: phase 4 does.
 *
 * An input that is read ahead of time is a leaf of its own ("x@1", see network/variant.ts): its gradient is part of that of x, one step later.
 */
import { invariant } from "../../support/invariant.ts";
import { equalAxes } from "../../ir/tensor/axes.ts";
import { graphBuilder, type NodeId } from "../../ir/tensor/build.ts";
import { importNodes } from "../../ir/tensor/copy.ts";
import type { Graph, Node, Output, ScanAttributes } from "../../ir/tensor/node.ts";
import { activeNodes, type ScanActivity } from "./activity.ts";
import { differentiateScan } from "./differentiate-scan.ts";
import { cotangents, pullBack } from "./pull.ts";

export interface DifferentiateRequest {
  /** Name of a scalar output. */
  readonly objective: string;
  /** Weights whose gradients are wanted; "all": every weight of the graph, in the order of its nodes. */
  readonly weights: readonly string[] | "all";
  readonly inputs: readonly string[];
  /** Recurrences keep only results of products and sums for their gradients and compute the rest again: less memory, the same bits. */
  readonly keepLeast?: boolean;
}

/**
 * The graph with the outputs "gradient:NAME" = ∂objective/∂NAME, each with the axes of its leaf in the leaf's order; zeros where it does not matter.
 * An input that the graph does not read has no output.
 * @throws InternalError if the objective is not a scalar output or a name is not a real leaf of the graph
 */
export function differentiate(graph: Graph, request: DifferentiateRequest): Graph {
  const leaves = wantedLeaves(graph, request);
  const objective = graph.outputs.find((output) => output.name === request.objective);
  invariant(objective, `there is no output ${request.objective} to differentiate`);
  invariant(graph.nodes[objective.node].axes.length === 0, `${request.objective} is not a scalar`);

  const g = graphBuilder(graph.axes);
  const place = importNodes(g, graph);
  const scans = new Map<number, ScanActivity>();
  const wanted = new Set(leaves.map((leaf) => leafKey(leaf.node)));
  const active = activeNodes(graph, (node) => wanted.has(leafKey(node)), scans);
  const activeIds = new Set([...place].filter(([old]) => active[old]).map(([, id]) => id));
  const activityOf = new Map([...scans].flatMap(([old, activity]) => (place.has(old) ? [[place.get(old)!, activity] as const] : [])));

  const into = cotangents(g);
  into.add(place.get(objective.node)!, g.constant(1));
  const extended = new Map<NodeId, ScanAttributes>();
  const incoming = new Map<NodeId, { emitted: (NodeId | undefined)[]; finals: (NodeId | undefined)[] }>();
  const onScanOp = (id: NodeId): void => {
    const node = g.node(id);
    if (node.op !== "scan") {
      const cotangent = into.get(id);
      if (cotangent === undefined) return;
      const entry = incoming.get(node.args[0]) ?? emptyCotangents(g.node(node.args[0]));
      entry[node.op === "emitted" ? "emitted" : "finals"][node.attributes.index!] = cotangent;
      incoming.set(node.args[0], entry);
      return;
    }
    const given = incoming.get(id);
    if (!given) return;
    const result = differentiateScan(g, node.attributes.scan!, node.args, activityOf.get(id)!, given, request.keepLeast);
    extended.set(id, result.forward);
    for (const [k, arg] of node.args.entries()) if (result.args[k] !== undefined && activeIds.has(arg)) into.add(arg, result.args[k]);
  };
  const order = [...new Set(place.values())].sort((a, b) => a - b);
  pullBack(g, order, (id) => activeIds.has(id), into, onScanOp);

  const outputs: Output[] = graph.outputs.map(({ name, node }) => ({ name, node: place.get(node)! }));
  const gradients = new Map<string, NodeId>();
  for (const { name, node, ahead } of leaves) {
    const id = place.get(graph.nodes.indexOf(node));
    const cotangent = id === undefined ? undefined : into.get(id);
    let gradient = g.expand(cotangent ?? g.constant(0), node.axes);
    const beyond = node.axes.filter((axis) => axis !== "t");
    for (let k = 0; k < ahead; k++) gradient = g.shift(gradient, 1, g.expand(g.constant(0), beyond));
    const before = gradients.get(name);
    gradients.set(name, before === undefined ? gradient : g.add(before, gradient));
  }
  for (const [name, node] of gradients) outputs.push({ name: `gradient:${name}`, node });
  return mergeForwardScans(g.finish(outputs), g, extended);
}

function emptyCotangents(scan: Node): { emitted: (NodeId | undefined)[]; finals: (NodeId | undefined)[] } {
  const { states, body } = scan.attributes.scan!;
  return { emitted: new Array(body.outputs.length - states).fill(undefined), finals: new Array(states).fill(undefined) };
}

/** Equal for the same input or weight, however many nodes read it. */
const leafKey = (node: Node): string => `${node.op} ${node.attributes.name}`;

interface Leaf {
  readonly name: string;
  readonly node: Node;
  /** How many steps ahead this leaf reads the input. */
  readonly ahead: number;
}

function wantedLeaves(graph: Graph, request: DifferentiateRequest): Leaf[] {
  const found = new Map<string, Node>();
  for (const node of graph.nodes) if ((node.op === "weight" || node.op === "input") && !found.has(leafKey(node))) found.set(leafKey(node), node);
  const all = [...found.values()].flatMap((node) => (node.op === "weight" ? [node.attributes.name!] : []));
  const weights = (request.weights === "all" ? all : request.weights).map((name): Leaf => {
    const node = found.get(`weight ${name}`);
    invariant(node, `there is no weight ${name} to differentiate for`);
    return { name, node, ahead: 0 };
  });
  const inputs = request.inputs.flatMap((name) =>
    [...found.values()].flatMap((node): Leaf[] => {
      const [, base, ahead = "0"] = /^(.*?)(?:@(\d+))?$/.exec(node.attributes.name!)!;
      if (node.op !== "input" || base !== name) return [];
      invariant(node.type === "real", `${name} is an index: it has no gradient`);
      return [{ name, node, ahead: Number(ahead) }];
    }),
  );
  return [...weights, ...inputs];
}

/** Every forward scan that has an extended twin (the same with more emitted values) becomes that twin. */
function mergeForwardScans(graph: Graph, g: { node(id: NodeId): Node }, extended: ReadonlyMap<NodeId, ScanAttributes>): Graph {
  const twins = new Map([...extended].map(([id, twin]) => [g.node(id).attributes.scan!, twin]));
  const merged = graphBuilder(graph.axes);
  const place = importNodes(merged, graph, {
    replace: (node, _index, args) => {
      const twin = node.attributes.scan && twins.get(node.attributes.scan);
      return twin ? merged.scanNode(args, twin) : undefined;
    },
  });
  const outputs = graph.outputs.map(({ name, node }) => ({ name, node: place.get(node)! }));
  for (const [i, { name, node }] of graph.outputs.entries())
    invariant(equalAxes(graph.nodes[node].axes, merged.axesOf(outputs[i].node)), `${name} changed its axes`);
  return merged.finish(outputs);
}
