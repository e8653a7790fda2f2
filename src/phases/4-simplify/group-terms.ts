/**
 * Orders the terms of every sum in a scan body by when they are known: statics, then what varies with the inputs alone, then products with a state, then the rest.
 *
 * In: a scan. Out: the same scan, `(Wx·x + Wh·h) + b` written as `(Wx·x + b) + Wh·h`, so that the first part can leave the recurrence and products lie side by
 * side. Intermediate sums that have a name or another reader stay as they are.
 */
import { graphBuilder, type NodeId } from "../../ir/tensor/build.ts";
import { copyNode } from "../../ir/tensor/copy.ts";
import type { Graph, ScanAttributes } from "../../ir/tensor/node.ts";
import { isView } from "../../ir/tensor/ops.ts";

/** Scans whose terms are in order. */
const grouped = new WeakSet<ScanAttributes>();

export function groupTerms(scan: ScanAttributes): ScanAttributes {
  if (grouped.has(scan)) return scan;
  const { body } = scan;
  const ranks = termRanks(body);
  const isInner = innerSums(body);
  const terms = (i: number): number[] =>
    body.nodes[i].op === "add" ? body.nodes[i].args.flatMap((arg) => (isInner[arg] ? terms(arg) : [arg])) : [i];
  const g = graphBuilder(body.axes);
  const place: NodeId[] = [];
  let changed = false;
  for (const [i, node] of body.nodes.entries()) {
    const list = node.op === "add" && node.type === "real" && !isInner[i] ? terms(i) : [];
    const sorted = list.toSorted((a, b) => ranks[a] - ranks[b]);
    if (sorted.every((term, k) => term === list[k]))
      place.push(
        copyNode(
          g,
          node,
          node.args.map((arg) => place[arg]),
        ),
      );
    else {
      changed = true;
      // Statics come first in time, but the wider operand first in the add: it decides the order in memory.
      const sum = sorted
        .map((term) => place[term])
        .reduce((left, right) => (g.axesOf(right).every((axis) => g.axesOf(left).includes(axis)) ? g.add(left, right) : g.add(right, left)));
      place.push(node.name === undefined ? sum : g.named(sum, node.name, node.span));
    }
  }
  if (!changed) {
    grouped.add(scan);
    return scan;
  }
  const outputs = body.outputs.map(({ name, node }, k) => ({
    name,
    node: k < scan.states ? g.transpose(place[node], body.nodes[node].axes) : place[node],
  }));
  return { ...scan, body: g.finish(outputs) };
}

/** 0: statics; 1: varies with the inputs; 2: a product with a state; 3: anything else that depends on a state. */
function termRanks(body: Graph): number[] {
  const ranks: number[] = [];
  for (const { op, args, attributes } of body.nodes) {
    if (op === "parameter") ranks.push({ static: 0, sequence: 1, state: 3 }[attributes.kind!]);
    else {
      const rank = Math.max(0, ...args.map((arg) => ranks[arg]));
      ranks.push(rank < 2 ? rank : op === "contract" || (isView(op) && ranks[args[0]] === 2) ? 2 : 3);
    }
  }
  return ranks;
}

/** Sums whose only reader is another sum, and that have no name. */
function innerSums(body: Graph): boolean[] {
  const readers = body.nodes.map((): number[] => []);
  for (const [i, node] of body.nodes.entries()) for (const arg of node.args) readers[arg].push(i);
  for (const output of body.outputs) readers[output.node].push(-1);
  return body.nodes.map(
    (node, i) => node.op === "add" && node.name === undefined && readers[i].length === 1 && body.nodes[readers[i][0]]?.op === "add",
  );
}
