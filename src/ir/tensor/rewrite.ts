/**
 * Rewriting of tensor graphs: rules as data, applied from the leaves up until none fires, with a trace of which rule fired where.
 *
 * In: a graph and rules (a name, a pattern, a condition, a replacement). Out: a graph that means the same, and the trace. Because equal nodes are made once
 * and unneeded ones are left out, every rewrite is also common-subexpression and dead-code elimination. Memory orders are free in between: outputs
 * keep theirs. After the idea of Dex, tinygrad and Svelte that a compiler's rewrites can be read as a list.
 */
import { equalAxes, replaceAxis, withoutAxes } from "./axes.ts";
import { copyNode, graphBuilder, importNodes, type GraphBuilder, type Improve, type NodeId } from "./build.ts";
import type { AxisName, Graph, Node, Op } from "./node.ts";
import { isUnary } from "./ops.ts";

/** A name binds a node (the same name twice: the same node), a number is that constant, a list is an op on patterns. */
export type Pattern = string | number | OpPattern;
export type OpPattern = readonly [Op, ...Pattern[]];

export interface Match {
  readonly g: GraphBuilder;
  readonly id: NodeId;
  readonly node: Node;
  /** What the names of the pattern stand for. */
  readonly x: Readonly<Record<string, NodeId>>;
}

export interface Rule {
  readonly name: string;
  readonly pattern: OpPattern;
  readonly when?: (match: Match) => boolean;
  /** The better node (axes that it lacks are added by broadcasting); undefined if the rule does not apply after all. */
  readonly replace: (match: Match) => NodeId | undefined;
}

/** A rule fired: on which node, and what came of it. */
export interface Firing {
  readonly rule: string;
  readonly op: Op;
  readonly became: Op;
  /** The author's name of the node or of a scan around it, if any. */
  readonly name?: string;
}

const COMMUTATIVE: ReadonlySet<Op> = new Set<Op>(["add", "mul", "max", "min", "equal", "contract"]);

/** True if the two arguments may change places. */
export function isCommutative(op: Op): boolean {
  return COMMUTATIVE.has(op);
}

/** The number that a node holds everywhere, if it is a constant (however broadcast). */
export function constantValue(g: GraphBuilder, id: NodeId): number | undefined {
  const node = g.node(id);
  if (node.op === "constant") return node.attributes.value!;
  if (node.op === "broadcast" || node.op === "rename" || node.op === "transpose" || node.op === "slice") return constantValue(g, node.args[0]);
  return undefined;
}

/** A quick look without binding anything: false if the pattern cannot match. */
function possible(g: GraphBuilder, pattern: Pattern, id: NodeId): boolean {
  if (typeof pattern === "string") return true;
  if (typeof pattern === "number") return constantValue(g, id) === pattern;
  const { op, args } = g.node(id);
  if (op !== pattern[0] || args.length !== pattern.length - 1) return false;
  let direct = true;
  for (let i = 0; i < args.length && direct; i++) direct = possible(g, pattern[i + 1] as Pattern, args[i]);
  return direct || (COMMUTATIVE.has(op) && possible(g, pattern[1] as Pattern, args[1]) && possible(g, pattern[2] as Pattern, args[0]));
}

type Bindings = Readonly<Record<string, NodeId>>;

function matches(g: GraphBuilder, pattern: Pattern, id: NodeId, bound: Bindings): Bindings[] {
  if (typeof pattern === "string") {
    const old = bound[pattern];
    if (old === undefined) return [{ ...bound, [pattern]: id }];
    return old === id ? [bound] : [];
  }
  if (typeof pattern === "number") return constantValue(g, id) === pattern ? [bound] : [];
  const node = g.node(id);
  const [op, ...parts] = pattern;
  if (node.op !== op || node.args.length !== parts.length) return [];
  const along = (args: readonly NodeId[]): Bindings[] => {
    let found: Bindings[] = [bound];
    for (const [i, part] of parts.entries()) found = found.flatMap((each) => matches(g, part, args[i], each));
    return found;
  };
  const direct = along(node.args);
  return COMMUTATIVE.has(op) ? [...direct, ...along([node.args[1], node.args[0]])] : direct;
}

/** Makes the hook that applies rules to every new node of a builder; `trace` receives what fired. */
export function improveBy(rules: readonly Rule[], trace: Firing[]): Improve {
  const byOp = new Map<Op, Rule[]>();
  for (const rule of rules) byOp.set(rule.pattern[0], [...(byOp.get(rule.pattern[0]) ?? []), rule]);
  return (g, id) => {
    const node = g.node(id);
    for (const rule of byOp.get(node.op) ?? []) {
      if (!possible(g, rule.pattern, id)) continue;
      for (const x of matches(g, rule.pattern, id, {})) {
        const match: Match = { g, id, node, x };
        if (rule.when && !rule.when(match)) continue;
        const found = rule.replace(match);
        if (found === undefined || found === id) continue;
        const better = g.broadcast(found, withoutAxes(node.axes, g.axesOf(found)));
        trace.push({ rule: rule.name, op: node.op, became: g.node(better).op });
        return better;
      }
    }
    return undefined;
  };
}

/** Applies the rules everywhere, scan bodies included. The graph itself comes back if no rule fires. */
export function rewrite(graph: Graph, rules: readonly Rule[]): { graph: Graph; trace: readonly Firing[] } {
  const trace: Firing[] = [];
  const result = rewriteWith(graph, improveBy(rules, trace));
  const same = trace.length === 0 && result.nodes.length === graph.nodes.length && count(result) === count(graph);
  return { graph: same ? graph : result, trace };
}

/** Nodes of a graph and its scan bodies. */
function count(graph: Graph): number {
  return graph.nodes.reduce((n, node) => n + 1 + (node.attributes.scan ? count(node.attributes.scan.body) : 0), 0);
}

function rewriteWith(graph: Graph, improve: Improve): Graph {
  return rebuild(graph, {
    improve,
    replace: (g, node, _index, args) => (node.op === "scan" ? rewriteScan(g, node, args, improve) : undefined),
  });
}

export interface RebuildOptions {
  readonly improve?: Improve;
  readonly replace?: (g: GraphBuilder, node: Node, index: number, args: readonly NodeId[]) => NodeId | undefined;
}

/** A new graph from an old one, node by node. Memory orders inside may change (transposes are dropped); those of the outputs stay. */
export function rebuild(graph: Graph, options: RebuildOptions): Graph {
  const g = graphBuilder(graph.axes, options.improve);
  const place = importNodes(g, graph, {
    replace: (node, index, args) => options.replace?.(g, node, index, args) ?? (node.op === "transpose" ? args[0] : undefined),
  });
  return g.finish(graph.outputs.map(({ name, node }) => ({ name, node: orient(g, place.get(node)!, graph.nodes[node].axes) })));
}

function rewriteScan(g: GraphBuilder, old: Node, args: readonly NodeId[], improve: Improve): NodeId {
  const scan = old.attributes.scan!;
  const body = graphBuilder(g.axes, improve);
  const first = { sequence: 0, static: scan.sequences, state: scan.sequences + scan.statics };
  const place = importNodes(body, scan.body, {
    replace: (node, _index, inner) => {
      if (node.op === "transpose") return inner[0];
      if (node.op !== "parameter") return undefined;
      const axes = withoutAxes(g.axesOf(args[first[node.attributes.kind!] + node.attributes.index!]), ["t"]);
      return body.make("parameter", [], node.attributes, { axes, type: node.type });
    },
  });
  for (const [axis, size] of body.axes) g.declareAxis(axis, size);
  const ordered = [...args];
  const outputs = scan.body.outputs.map(({ name, node }, k) => {
    const id = place.get(node)!;
    if (k < scan.states) {
      const at = first.state + k;
      ordered[at] = g.transpose(args[at], withoutAxes(body.axesOf(id), []));
    }
    return { name, node: id };
  });
  return copyNode(g, { ...old, attributes: { scan: { ...scan, body: body.finish(outputs) } } }, ordered);
}

/** The same value with its axes in the wanted order: by the order of operands where that does it, else by a transpose. */
export function orient(g: GraphBuilder, id: NodeId, axes: readonly AxisName[]): NodeId {
  if (equalAxes(g.axesOf(id), axes)) return id;
  return orientFree(g, id, axes) ?? g.transpose(id, axes);
}

function orientFree(g: GraphBuilder, id: NodeId, axes: readonly AxisName[]): NodeId | undefined {
  const { op, args, attributes, axes: own, name } = g.node(id);
  if (equalAxes(own, axes)) return id;
  if (name !== undefined) return undefined;
  if (op === "broadcast" && g.axesOf(args[0]).length === 0) return g.make("broadcast", args, { over: axes });
  if (isCommutative(op)) {
    const swapped = g.make(op, [args[1], args[0]], attributes);
    return equalAxes(g.axesOf(swapped), axes) ? swapped : undefined;
  }
  let before: readonly AxisName[] | undefined;
  if (isUnary(op)) before = axes;
  if (op === "slice" || op === "pad") before = replaceAxis(axes, attributes.to as AxisName, [attributes.axis!]);
  if (op === "rename") before = axes.map((axis) => attributes.from![(attributes.to as readonly AxisName[]).indexOf(axis)] ?? axis);
  const arg = before && orientFree(g, args[0], before);
  return arg === undefined ? undefined : g.make(op, [arg], attributes);
}
