/**
 * Checks that a graph keeps every rule of the tensor language. Run after every pass; a failure is a bug of that pass.
 *
 * In: a graph. Out: nothing, or an InternalError that names the node. Never changes or repairs anything.
 */
import { InternalError, invariant } from "../../support/invariant.ts";
import { equalAxes } from "./axes.ts";
import type { AxisName, AxisSize, Graph, Node, Op, ScanAttributes } from "./node.ts";
import { broken, type Shape } from "./op-rules.ts";
import { parameterShape, shapeOf } from "./ops.ts";
import { isSize } from "./sizes.ts";

let everyPass = false;

/** Says whether passes that come one after the other are verified one by one (in tests), or only what the whole phase made. */
export function verifyEveryPass(on: boolean): void {
  everyPass = on;
}

/** What `verifyEveryPass` last said. */
export function verifiesPasses(): boolean {
  return everyPass;
}

/** @throws InternalError that names the node (its number, op and name) and the rule it breaks. */
export function verify(graph: Graph): void {
  verifyGraph(graph, graph.axes, undefined);
}

interface Enclosing {
  readonly scan: ScanAttributes;
  readonly args: readonly Node[];
}

const FORBIDDEN_IN_BODY: readonly Op[] = ["scan", "emitted", "final", "shift", "fold", "unfold", "last", "input", "weight"];

function verifyGraph(graph: Graph, axes: ReadonlyMap<AxisName, AxisSize>, enclosing: Enclosing | undefined): void {
  for (const [axis, size] of graph.axes) {
    if (!isSize(size)) broken(`axis ${axis} has the size ${size}`);
    if (axes.get(axis) !== size) broken(`axis ${axis} has the size ${size} in a scan body, ${axes.get(axis)} outside`);
  }
  invariant(!graph.axes.has("t") || graph.axes.get("t") === "T", "the axis t must have the size T");
  const leaves = new Map<string, Shape>();
  for (const [i, node] of graph.nodes.entries()) {
    try {
      verifyNode(graph, node, i, leaves, enclosing);
    } catch (error) {
      if (!(error instanceof InternalError)) throw error;
      throw new InternalError(`node %${i} ${node.op}${node.name === undefined ? "" : ` (${node.name})`}: ${error.message}`, { cause: error });
    }
  }
  const names = new Set<string>();
  for (const { name, node } of graph.outputs) {
    if (names.has(name)) broken(`two outputs have the name ${name}`);
    names.add(name);
    if (!(Number.isInteger(node) && node >= 0 && node < graph.nodes.length)) broken(`output ${name} has no node`);
    if (graph.nodes[node].op === "scan") broken(`output ${name} is a scan, which has no value`);
  }
}

function verifyNode(graph: Graph, node: Node, i: number, leaves: Map<string, Shape>, enclosing: Enclosing | undefined): void {
  for (const arg of node.args) if (!(Number.isInteger(arg) && arg >= 0 && arg < i)) broken(`argument %${arg} does not come before it`);
  const args = node.args.map((arg) => graph.nodes[arg]);
  const shape = shapeOf(node.op, args, node.attributes, graph.axes, node);
  if (!equalAxes(shape.axes, node.axes)) broken(`has axes [${node.axes}], should have [${shape.axes}]`);
  if (shape.type !== node.type) broken(`has type ${node.type}, should have ${shape.type}`);
  if (enclosing) {
    invariant(!FORBIDDEN_IN_BODY.includes(node.op), "cannot stand in a scan body");
    invariant(!node.axes.includes("t"), "has the axis t in a scan body");
  } else {
    invariant(node.op !== "parameter", "cannot stand outside of a scan body");
  }
  if (node.op === "input" || node.op === "weight") sameLeaf(leaves, node);
  if (node.op === "parameter") verifyParameter(node, enclosing!);
  if (node.op === "scan") verifyScan(graph, node.attributes.scan!, args);
}

function sameLeaf(leaves: Map<string, Shape>, node: Node): void {
  const name = node.attributes.name!;
  const old = leaves.get(name);
  if (!(!old || (equalAxes(old.axes, node.axes) && old.type === node.type)))
    broken(`${name} has axes [${node.axes}] here and [${old?.axes}] elsewhere`);
  leaves.set(name, node);
}

function verifyParameter(node: Node, { scan, args }: Enclosing): void {
  const { kind, index } = node.attributes;
  const [first, total] =
    kind === "sequence" ? [0, scan.sequences] : kind === "static" ? [scan.sequences, scan.statics] : [scan.sequences + scan.statics, scan.states];
  if (!(index! >= 0 && index! < total)) broken(`there is no ${kind} ${index}`);
  const wanted = parameterShape(scan, node, args[first + index!].axes);
  if (!equalAxes(node.axes, wanted)) broken(`${kind} ${index} has axes [${node.axes}], its argument gives [${wanted}]`);
  if (node.type !== args[first + index!].type) broken(`${kind} ${index} has another type than its argument`);
}

function verifyScan(graph: Graph, scan: ScanAttributes, args: readonly Node[]): void {
  for (const [k, output] of scan.body.outputs.entries()) {
    const wanted = k < scan.states ? `next ${k}` : `emit ${k - scan.states}`;
    if (output.name !== wanted) broken(`output ${k} of the body is called ${output.name}, not ${wanted}`);
    if (k < scan.states && scan.chunk !== undefined && scan.body.nodes[output.node].axes.includes(scan.chunk))
      broken(`state ${k} has the axis ${scan.chunk} of its chunks`);
  }
  verifyGraph(scan.body, graph.axes, { scan, args });
}
