/**
 * Which nodes can have a gradient: those that depend on something differentiated through operations that let derivatives flow.
 *
 * In: a graph and its sources. Out: a flag per node (for a scan: flags for its states and emitted values). Looks at structure only, never at values.
 */
import type { Graph, Node, Op, ScanAttributes, ScanOp } from "../../ir/tensor/node.ts";
import { flowsThrough } from "./pullbacks.ts";

/** Flags for the body of a scan, one per parameter of each kind and per emitted value. */
export interface ScanActivity {
  readonly sequences: readonly boolean[];
  readonly statics: readonly boolean[];
  readonly states: readonly boolean[];
  readonly emitted: readonly boolean[];
  /** Per node of the body. */
  readonly nodes: readonly boolean[];
}

/** For every node, whether it depends differentiably on a source. `scans` receives the activity inside every scan. */
export function activeNodes(graph: Graph, isSource: (node: Node) => boolean, scans = new Map<number, ScanActivity>()): boolean[] {
  const active: boolean[] = [];
  for (const [i, node] of graph.nodes.entries()) {
    if (node.op === "scan") {
      const inside = scanActivity(
        node.attributes.scan!,
        node.args.map((arg) => active[arg]),
      );
      scans.set(i, inside);
      active.push([...inside.states, ...inside.emitted].some(Boolean));
    } else if (node.op === "emitted" || node.op === "final") {
      active.push(scans.get(node.args[0])![node.op === "emitted" ? "emitted" : "states"][node.attributes.index!]);
    } else {
      const op = node.op as Exclude<Op, ScanOp>;
      active.push(node.type === "real" && (isSource(node) || node.args.some((arg, k) => active[arg] && flowsThrough(op, k))));
    }
  }
  return active;
}

function scanActivity(scan: ScanAttributes, args: readonly boolean[]): ScanActivity {
  const sequences = args.slice(0, scan.sequences);
  const statics = args.slice(scan.sequences, scan.sequences + scan.statics);
  let states = args.slice(scan.sequences + scan.statics);
  for (;;) {
    const flags = { sequence: sequences, static: statics, state: states };
    const nodes = activeNodes(scan.body, (node) => node.op === "parameter" && flags[node.attributes.kind!][node.attributes.index!]);
    const outputs = scan.body.outputs.map((output) => nodes[output.node]);
    const grown = states.map((state, k) => state || outputs[k]);
    if (grown.every((state, k) => state === states[k])) return { sequences, statics, states, emitted: outputs.slice(scan.states), nodes };
    states = grown;
  }
}

/**
 * States of a scan whose next value has a cotangent: those whose final value has one, and those whose value before the step reaches, along
 * active nodes, an emitted value or a next state that has one.
 */
export function liveStates(scan: ScanAttributes, activity: ScanActivity, finals: readonly boolean[], emitted: readonly boolean[]): boolean[] {
  const live = finals.map((given, k) => given && activity.states[k]);
  for (;;) {
    const reached = scan.body.nodes.map(() => false);
    for (const [k, output] of scan.body.outputs.entries()) if (k < scan.states ? live[k] : emitted[k - scan.states]) reached[output.node] = true;
    let changed = false;
    for (let i = scan.body.nodes.length - 1; i >= 0; i--) {
      const node = scan.body.nodes[i];
      if (!reached[i] || !activity.nodes[i]) continue;
      for (const [k, arg] of node.args.entries()) if (flowsThrough(node.op as Exclude<Op, ScanOp>, k)) reached[arg] = true;
      const { kind, index } = node.attributes;
      if (node.op !== "parameter" || kind !== "state" || live[index!]) continue;
      live[index!] = true;
      changed = true;
    }
    if (!changed) return live;
  }
}
