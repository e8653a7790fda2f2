/**
 * Moves work out of recurrences.
 *
 * In: a graph. Out: the same graph, every scan cut into three. *Before*: products and reductions that do not depend on a state, computed for all steps at once
 * (`Wx·x` becomes one product over [t, b, D]), and the sums that only add to them (a bias). *Core*: what a next state needs. *After*: products and reductions that
 * no next state needs, on the emitted values of all steps (weight gradients, read-outs). Elementwise work stays inside, where it is
 * fused. What does not depend on time at all is computed once. Unused states, arguments and emitted values vanish, and with its last state the scan
 * itself.
 */
import { invariant } from "../../support/invariant.ts";
import { unionAxes, withoutAxes } from "../../ir/tensor/axes.ts";
import { graphBuilder, type GraphBuilder, type NodeId } from "../../ir/tensor/build.ts";
import { copyNode } from "../../ir/tensor/copy.ts";
import type { Graph, Node, Op, Output, ScanAttributes } from "../../ir/tensor/node.ts";
import { isView } from "../../ir/tensor/ops.ts";
import { constantValue, rebuild, type Firing } from "../../ir/tensor/rewrite.ts";
import { ancestors, demandedEmits, nextOf, type Roles } from "./emits.ts";
import { groupTerms } from "./group-terms.ts";
import { HEAVY } from "./remake.ts";

/** Moves what can leave out of every scan. `trace` receives one entry per node that left. */
export function hoist(graph: Graph, trace: Firing[]): Graph {
  const plans = new Map<NodeId, MovedScan>();
  const used = usedOutputs(graph);
  const settled = new Set([...used.keys()].filter((scan) => isSettled(graph, graph.nodes[scan], used.get(scan)!)));
  if (settled.size === used.size) return graph;
  return rebuild(graph, {
    replace: (g, node, index, args) => {
      if (settled.has(index) || settled.has(node.args[0])) return undefined;
      if (node.op === "scan") {
        const moved = moveOut(g, node, args, used.get(index)!, trace);
        const key = g.constant(0);
        plans.set(index, moved);
        return key; // never read: emitted and final nodes are replaced below
      }
      const plan = plans.get(node.args[0]);
      const oldScan = node.op === "emitted" || node.op === "final";
      if (!oldScan) return undefined;
      invariant(plan, "a scan was not moved");
      const value = node.op === "emitted" ? plan.emitted.get(node.attributes.index!) : plan.finals.get(node.attributes.index!);
      return g.broadcast(value!, withoutAxes(node.axes, g.axesOf(value!)));
    },
  });
}

interface Used {
  readonly emitted: Set<number>;
  readonly finals: Set<number>;
}

function usedOutputs(graph: Graph): Map<number, Used> {
  const used = new Map<number, Used>();
  for (const [i, node] of graph.nodes.entries()) {
    if (node.op === "scan") used.set(i, { emitted: new Set(), finals: new Set() });
    if (node.op === "emitted") used.get(node.args[0])!.emitted.add(node.attributes.index!);
    if (node.op === "final") used.get(node.args[0])!.finals.add(node.attributes.index!);
  }
  return used;
}

interface MovedScan {
  readonly emitted: ReadonlyMap<number, NodeId>;
  readonly finals: ReadonlyMap<number, NodeId>;
}

/** A state that keeps its value is a static. */
function isFixed(scan: ScanAttributes, state: number): boolean {
  const next = scan.body.nodes[nextOf(scan, state)];
  return next.op === "parameter" && next.attributes.kind === "state" && next.attributes.index === state;
}

function liveStates(scan: ScanAttributes, used: Used): boolean[] {
  const live = Array.from({ length: scan.states }, (_, k) => used.finals.has(k) && !isFixed(scan, k));
  for (;;) {
    const roots = scan.body.outputs.flatMap((output, k) => ((k < scan.states ? live[k] : used.emitted.has(k - scan.states)) ? [output.node] : []));
    const reached = ancestors(scan, roots);
    let changed = false;
    for (const [i, { op, attributes }] of scan.body.nodes.entries()) {
      if (!reached[i] || op !== "parameter" || attributes.kind !== "state" || live[attributes.index!] || isFixed(scan, attributes.index!)) continue;
      live[attributes.index!] = true;
      changed = true;
    }
    if (!changed) return live;
  }
}

function rolesOf(scan: ScanAttributes, used: Used): Roles {
  const { nodes } = scan.body;
  const live = liveStates(scan, used);
  const recurrent: boolean[] = [];
  const varying: boolean[] = [];
  for (const { op, args, attributes } of nodes) {
    recurrent.push(op === "parameter" ? attributes.kind === "state" && live[attributes.index!] : args.some((arg) => recurrent[arg]));
    varying.push(op === "parameter" ? attributes.kind === "sequence" : args.some((arg) => varying[arg]));
  }
  const core = ancestors(
    scan,
    live.flatMap((is, k) => (is ? [nextOf(scan, k)] : [])),
  );
  const before = leavesBefore(scan, recurrent, varying);
  const after: boolean[] = [];
  for (const [i, { op, args }] of nodes.entries()) {
    after.push((recurrent[i] && !core[i] && (HEAVY.has(op) || (args.some((arg) => after[arg]) && !isView(op)))) || (isView(op) && after[args[0]]));
  }
  return { scan, live, recurrent, varying, core, before, after };
}

/** Nodes that are computed before the scan: heavy ones, what they are made of, and sums of nothing else. */
function leavesBefore(scan: ScanAttributes, recurrent: readonly boolean[], varying: readonly boolean[]): boolean[] {
  const { nodes, outputs } = scan.body;
  const isLeaf = (i: number): boolean => nodes[i].op === "parameter" || nodes[i].op === "constant" || nodes[i].op === "iota";
  const before = ancestors(
    scan,
    nodes.flatMap((node, i) => (!recurrent[i] && HEAVY.has(node.op) ? [i] : [])),
  ).map((is, i) => is && !isLeaf(i));
  const fromStatics: boolean[] = []; // depends on a static, not only on constants and counters
  const consumers = nodes.map((): number[] => []);
  for (const [i, node] of nodes.entries()) for (const arg of node.args) consumers[arg].push(i);
  const read = new Set(outputs.map((output) => output.node));
  for (const [i, node] of nodes.entries()) {
    fromStatics.push(node.op === "parameter" || node.args.some((arg) => fromStatics[arg]));
    if (before[i] || recurrent[i] || isLeaf(i) || isView(node.op)) continue;
    if (!varying[i]) {
      before[i] = fromStatics[i];
      continue;
    }
    const sources = node.args.filter((arg) => varying[arg]);
    const only = (arg: number): boolean => !read.has(arg) && consumers[arg].every((each) => each === i || before[each]);
    if (node.op === "add" || node.op === "sub")
      before[i] = sources.some((arg) => before[arg]) && sources.every((arg) => (before[arg] || nodes[arg].op === "parameter") && only(arg));
  }
  return before;
}

/** True if nothing would move: every argument is read and plain, every state lives, every emitted value is made in the body. */
function isSettled(graph: Graph, { args, attributes }: Node, used: Used): boolean {
  const scan = attributes.scan!;
  if (scan.chunk !== undefined) return true; // pairs of its steps exist nowhere else
  if (groupTerms(scan) !== scan) return false;
  const roles = rolesOf(scan, used);
  const { nodes, outputs } = scan.body;
  const emitted = outputs.slice(scan.states).map((output) => output.node);
  const emits = demandedEmits(roles, emitted);
  const parameters = nodes.filter((node) => node.op === "parameter").length;
  const plain = args.slice(0, scan.sequences + scan.statics).every((arg) => {
    const { op, axes } = graph.nodes[arg];
    return op !== "constant" && op !== "broadcast" && !(axes.includes("t") && PUSHED.has(op));
  });
  return (
    plain &&
    new Set(args.slice(0, scan.sequences + scan.statics)).size === scan.sequences + scan.statics &&
    parameters === args.length &&
    roles.live.every(Boolean) &&
    used.emitted.size === emitted.length &&
    emits.size === emitted.length &&
    emitted.every((node) => emits.has(node)) &&
    !roles.before.some(Boolean) &&
    !roles.after.some(Boolean)
  );
}

/** Views of a sequence that are taken inside, one step at a time. */
const PUSHED: ReadonlySet<Op> = new Set<Op>(["slice", "rename", "pick"]);

function moveOut(g: GraphBuilder, node: Node, args: readonly NodeId[], used: Used, trace: Firing[]): MovedScan {
  const scan = groupTerms(node.attributes.scan!);
  const roles = rolesOf(scan, used);
  const { nodes } = scan.body;
  const initial = (k: number): NodeId => args[scan.sequences + scan.statics + k];
  const outputs = [...used.emitted].sort((a, b) => a - b).map((k) => ({ k, node: scan.body.outputs[scan.states + k].node }));
  const emits = demandedEmits(
    roles,
    outputs.map((output) => output.node),
  );

  const outside = new Map<number, NodeId>();
  let run: NodeId | undefined;
  /** The value of a body's node for all steps, in the outer graph. */
  const outer = (i: number): NodeId => {
    const known = outside.get(i);
    if (known !== undefined) return known;
    const id = makeOuter(i);
    outside.set(i, id);
    return id;
  };
  const emittedAt = new Map([...emits].sort((a, b) => a - b).map((each, k) => [each, k]));
  const makeOuter = (i: number): NodeId => {
    const { op, attributes } = nodes[i];
    const index = attributes.index!;
    if (op === "parameter" && attributes.kind === "sequence") return args[index];
    if (op === "parameter" && attributes.kind === "static") return args[scan.sequences + index];
    if (op === "parameter" && !roles.live[index]) return initial(index);
    if (op === "parameter") return g.shift(overTime(g, outer(nextOf(scan, index))), scan.reverse ? -1 : 1, initial(index));
    if (emittedAt.has(i)) return g.emitted(run!, emittedAt.get(i)!);
    return lift(g, nodes[i], nodes[i].args.map(outer));
  };

  const inner = graphBuilder(g.axes);
  const inside = new Map<number, NodeId>();
  const parameters = parametersFor(g, inner);
  const states = roles.live.flatMap((is, k) => (is ? [k] : []));
  /** The value of a body's node in the new body. */
  const within = (i: number): NodeId => {
    const known = inside.get(i);
    if (known !== undefined) return known;
    const { op, args: own, attributes } = nodes[i];
    let id: NodeId;
    if (op === "parameter" && attributes.kind === "state" && roles.live[attributes.index!]) {
      id = inner.parameter("state", states.indexOf(attributes.index!), { axes: g.axesOf(initial(attributes.index!)), type: nodes[i].type });
    } else if (op === "parameter" || roles.before[i]) id = parameters.read(outer(i));
    else id = copyNode(inner, nodes[i], own.map(within));
    inside.set(i, id);
    return id;
  };
  if (states.length > 0) {
    const results: Output[] = states.map((k, place) => ({
      name: `next ${place}`,
      node: inner.expand(within(nextOf(scan, k)), g.axesOf(initial(k))),
    }));
    for (const each of emittedAt.keys()) results.push({ name: `emit ${results.length - states.length}`, node: within(each) });
    for (const [axis, size] of inner.axes) g.declareAxis(axis, size);
    run = g.scanNode([...parameters.sequences, ...parameters.statics, ...states.map(initial)], {
      reverse: scan.reverse,
      sequences: parameters.sequences.length,
      statics: parameters.statics.length,
      states: states.length,
      body: inner.finish(results),
      stateNames: states.map((k) => scan.stateNames[k]),
    });
    if (node.name !== undefined) run = g.named(run, node.name, node.span);
  }
  const emitted = new Map(outputs.map(({ k, node: i }) => [k, outer(i)]));
  const finals = new Map([...used.finals].map((k) => [k, roles.live[k] ? g.final(run!, states.indexOf(k)) : initial(k)]));
  report(roles, outside, trace);
  return { emitted, finals };
}

/** The value at every step, also if it is the same at all. */
const overTime = (g: GraphBuilder, id: NodeId): NodeId => (g.axesOf(id).includes("t") ? id : g.broadcast(id, "t"));

/** Computes a body's node for all steps at once. */
function lift(g: GraphBuilder, node: Node, args: readonly NodeId[]): NodeId {
  if (node.op === "transpose") return args[0];
  if (node.op !== "concat") return copyNode(g, node, args);
  const { parts } = node.attributes;
  const rest = unionAxes(...args.map((arg, i) => withoutAxes(g.axesOf(arg), [parts![i]])));
  const even = args.map((arg, i) => g.broadcast(arg, withoutAxes([...rest, parts![i]], g.axesOf(arg))));
  return copyNode(g, node, even);
}

/** Parameters of the new body, made as they are asked for; views of outer values are taken inside. */
function parametersFor(g: GraphBuilder, inner: GraphBuilder) {
  const sequences: NodeId[] = [];
  const statics: NodeId[] = [];
  const memo = new Map<NodeId, NodeId>();
  const read = (outer: NodeId): NodeId => {
    const known = memo.get(outer);
    if (known !== undefined) return known;
    const id = make(outer);
    memo.set(outer, id);
    return id;
  };
  const make = (outer: NodeId): NodeId => {
    const { op, args, attributes, axes, type } = g.node(outer);
    const value = op === "constant" ? constantValue(g, outer) : undefined;
    if (value !== undefined) return inner.constant(value, type);
    if (op === "broadcast") return inner.broadcast(read(args[0]), withoutAxes(attributes.over!, ["t"]));
    if (PUSHED.has(op) && g.axesOf(args[0]).includes("t") && axes.includes("t")) return inner.make(op, [read(args[0])], attributes);
    const list = axes.includes("t") ? sequences : statics;
    list.push(outer);
    return inner.parameter(axes.includes("t") ? "sequence" : "static", list.length - 1, { axes: withoutAxes(axes, ["t"]), type });
  };
  return { sequences, statics, read };
}

function report(roles: Roles, outside: ReadonlyMap<number, NodeId>, trace: Firing[]): void {
  for (const i of outside.keys()) {
    const { op, name } = roles.scan.body.nodes[i];
    if (!HEAVY.has(op)) continue;
    const rule = roles.recurrent[i] ? "hoist after the recurrence" : "hoist before the recurrence";
    trace.push({ rule, op, became: op, name: name ?? roles.scan.stateNames.join(", ") });
  }
}
