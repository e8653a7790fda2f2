/**
 * Copies nodes of one graph into another that is being made.
 *
 * In: a builder and nodes of an old graph, on arguments that are in the builder already. Out: their new numbers. Names go along. Never simplifies; only where an
 * argument came in another memory order is the body of a scan made anew.
 */
import { equalAxes } from "./axes.ts";
import { graphBuilder, markNeeded, type GraphBuilder, type NodeId } from "./build.ts";
import type { AxisName, Graph, Node, ScanAttributes } from "./node.ts";
import { parameterShape } from "./ops.ts";

export interface ImportOptions {
  /** Nodes wanted (all outputs if absent). */
  readonly roots?: readonly number[];
  /** Leaves out the author's names (for copies of what is named elsewhere). */
  readonly anonymous?: boolean;
  /** What stands for a node of the old graph: called with its arguments already imported; undefined copies the node. */
  readonly replace?: (node: Node, index: number, args: readonly NodeId[]) => NodeId | undefined;
}

/**
 * Copies the needed nodes of a graph into a builder, replacing some on the way. Returns the new number of every imported node.
 * Orders of axes may change through a replacement; scan bodies are rebuilt where an argument's order of axes did.
 */
export function importNodes(builder: GraphBuilder, graph: Graph, options: ImportOptions = {}): ReadonlyMap<number, NodeId> {
  for (const [axis, size] of graph.axes) builder.declareAxis(axis, size);
  const needed = new Uint8Array(graph.nodes.length);
  for (const root of options.roots ?? graph.outputs.map((output) => output.node)) needed[root] = 1;
  markNeeded(graph.nodes, needed);
  const place = new Map<number, NodeId>();
  for (let i = 0; i < graph.nodes.length; i++) {
    if (!needed[i]) continue;
    const old = graph.nodes[i];
    const args = old.args.map((arg) => place.get(arg)!);
    place.set(i, options.replace?.(old, i, args) ?? copyNode(builder, options.anonymous ? withoutName(old) : old, args));
  }
  return place;
}

/** The node as if the author had not named it. */
export function withoutName({ op, args, axes, type, attributes }: Node): Node {
  return { op, args, axes, type, attributes };
}

/** Adds a node like `old` on other arguments, with its name and place. */
export function copyNode(builder: GraphBuilder, old: Node, args: readonly NodeId[]): NodeId {
  const id = old.op === "scan" ? rebuildScan(builder, old, args) : copyPlain(builder, old, args);
  return old.name === undefined ? id : keepName(builder, id, old);
}

/** Keeps the first name that a merged node had. */
function keepName(builder: GraphBuilder, id: NodeId, old: Node): NodeId {
  return builder.node(id).name === undefined ? builder.named(id, old.name!, old.span) : id;
}

function copyPlain(builder: GraphBuilder, old: Node, args: readonly NodeId[]): NodeId {
  if (old.op === "merge") return builder.merge(args[0], old.attributes.axes!, old.attributes.to as AxisName);
  return builder.make(old.op, args, old.attributes, old);
}

function rebuildScan(builder: GraphBuilder, old: Node, args: readonly NodeId[]): NodeId {
  const scan = old.attributes.scan!;
  if (fits(builder, old, args)) return builder.scanNode(args, scan);
  const inner = graphBuilder(builder.axes);
  const place = importNodes(inner, scan.body, {
    replace: (node) =>
      node.op === "parameter"
        ? inner.make("parameter", [], node.attributes, { axes: parameterAxes(builder, scan, args, node), type: node.type })
        : undefined,
  });
  const firstState = scan.sequences + scan.statics;
  const outputs = scan.body.outputs.map((output, k) => {
    const id = place.get(output.node)!;
    if (k >= scan.states) return { name: output.name, node: inner.transpose(id, scan.body.nodes[output.node].axes) };
    return { name: output.name, node: inner.transpose(id, builder.axesOf(args[firstState + k])) };
  });
  for (const [axis, size] of inner.axes) builder.declareAxis(axis, size);
  return builder.scanNode(args, { ...scan, body: inner.finish(outputs) });
}

/** The axes that a parameter of a scan's body must have for these arguments. */
export function parameterAxes(builder: GraphBuilder, scan: ScanAttributes, args: readonly NodeId[], node: Node): readonly AxisName[] {
  const { attributes } = node;
  const first = attributes.kind === "sequence" ? 0 : attributes.kind === "static" ? scan.sequences : scan.sequences + scan.statics;
  return parameterShape(scan, node, builder.axesOf(args[first + attributes.index!]));
}

/** True if a scan's body suits the memory orders of these arguments as it is. */
export function fits(builder: GraphBuilder, { attributes }: Node, args: readonly NodeId[]): boolean {
  const scan = attributes.scan!;
  const firstState = scan.sequences + scan.statics;
  for (const node of scan.body.nodes) if (node.op === "parameter" && !equalAxes(node.axes, parameterAxes(builder, scan, args, node))) return false;
  for (let k = 0; k < scan.states; k++)
    if (!equalAxes(scan.body.nodes[scan.body.outputs[k].node].axes, builder.axesOf(args[firstState + k]))) return false;
  return true;
}
