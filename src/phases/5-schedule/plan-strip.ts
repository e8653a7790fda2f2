/**
 * A region's steps, run strip by strip along t.
 *
 * In: the nodes of a region (regions.ts). Out: one strip step. Values that stay inside have room for one strip; what leaves goes to its place at the
 * rows in hand; sums over t are cleared before and continue from strip to strip.
 */
import type { Graph, Node } from "../../ir/tensor/node.ts";
import { isLeaf } from "./group.ts";
import { labelOf } from "./label.ts";
import type { Outside, Planning } from "./planning.ts";
import { touch, type Access } from "./access.ts";

/** Time steps in hand: enough rows for whole tiles, few enough for the cache. */
const ROWS = 32;

export function planStrip(planner: Planning, members: readonly number[], causal: boolean): void {
  const { graph, places } = planner;
  const inside = new Map<number, number>();
  const nodes: Node[] = [];
  const outer: number[] = [];
  const inner = (node: number): number => {
    const known = inside.get(node);
    if (known !== undefined) return known;
    const { axes, type, op } = graph.nodes[node];
    const leaf: Node =
      op === "constant" || op === "iota"
        ? graph.nodes[node]
        : { op: "parameter", args: [], axes, type, attributes: { kind: "static", index: outer.length } };
    if (leaf.op === "parameter") outer.push(node);
    const at = nodes.push(leaf) - 1;
    inside.set(node, at);
    return at;
  };
  for (const member of members) {
    const node = graph.nodes[member];
    const args = node.args.map(inner);
    inside.set(member, nodes.push({ ...node, args }) - 1);
  }
  const set = new Set(members);
  const outputs = new Set(graph.outputs.map((output) => output.node));
  const leaving = members.filter((member) => outputs.has(member) || planner.consumers[member].some((user) => !set.has(user)));
  const body: Graph = { axes: graph.axes, nodes, outputs: leaving.map((member) => ({ name: labelOf(graph, member), node: inside.get(member)! })) };
  const outside: Outside = {
    parameter: ({ attributes }) => planner.valueOf(outer[attributes.index!]),
    static: ({ op, attributes, axes }) => (op === "parameter" && !axes.includes("t") ? { planner, node: outer[attributes.index!] } : undefined),
  };
  // What a value from outside needs (a place, a constant in memory) is made before the loop.
  for (const node of outer) if (!isLeaf(graph.nodes[node])) planner.valueOf(node);
  const rows = Math.min(ROWS, places.capacity);
  const strip = planner.nested(body, outside, rows);
  const targets: Access[] = [];
  const want = leaving.map((member) => {
    const access = planner.targetOf(member);
    targets.push(access);
    const node = graph.nodes[member];
    if (!node.axes.includes("t")) {
      planner.copy({ kind: "constant", value: 0 }, access, node, `clear ${labelOf(graph, member)}`, planner.steps);
      strip.continuing.add(inside.get(member)!);
    }
    return { node: inside.get(member)!, access, direct: true };
  });
  const known = places.all.length;
  const begin = places.clock++;
  strip.plan(want);
  planner.steps.push({
    kind: "strip",
    label: `strips for ${leaving.map((member) => labelOf(graph, member)).join(", ")}`,
    rows,
    causal,
    steps: strip.steps,
  });
  const end = places.clock++;
  for (const access of targets) {
    touch(access, begin);
    touch(access, end);
  }
  planner.holdAround(strip, known, begin, end);
}
