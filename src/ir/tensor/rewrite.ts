/**
 * Rewriting of tensor graphs: rules as data, applied from the leaves up until none fires, with a trace of which rule fired where.
 *
 * In: a graph and rules (a name, a pattern, a condition, a replacement). Out: a graph that means the same, and the trace. Because equal nodes are made once
 * and unneeded ones are left out, every rewrite is also common-subexpression and dead-code elimination. Memory orders are free in between: outputs
 * keep theirs. After the idea of Dex, tinygrad and Svelte that a compiler's rewrites can be read as a list.
 */
import { equalAxes, replaceAxis, withoutAxes } from "./axes.ts";
import { graphBuilder, type GraphBuilder, type Improve, type NodeId } from "./build.ts";
import { copyNode, fits, importNodes, parameterAxes } from "./copy.ts";
import { equalBodies } from "./intern.ts";
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

/** A rule in one line. */
export const rule = (name: string, pattern: OpPattern, replace: Rule["replace"], when?: Rule["when"]): Rule => ({ name, pattern, replace, when });

/** Short for rules whose replacement needs the builder and what was bound. */
export const identity = (name: string, pattern: OpPattern, replace: (g: GraphBuilder, x: Match["x"]) => NodeId): Rule =>
  rule(name, pattern, ({ g, x }) => replace(g, x));

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

/** Continues a match: the first result that is not undefined ends the search. */
type Continue = () => NodeId | undefined;
/** Tries all ways to match a node; `slots` holds what the names stand for. */
type Matcher = (g: GraphBuilder, id: NodeId, slots: NodeId[], then: Continue) => NodeId | undefined;

/** Names get slots in the order in which they first stand in the pattern. */
function compilePattern(pattern: Pattern, names: string[]): Matcher {
  if (typeof pattern === "string") {
    const known = names.indexOf(pattern);
    if (known >= 0) return (_g, id, slots, then) => (slots[known] === id ? then() : undefined);
    const slot = names.push(pattern) - 1;
    return (_g, id, slots, then) => {
      slots[slot] = id;
      return then();
    };
  }
  if (typeof pattern === "number") return (g, id, _slots, then) => (constantValue(g, id) === pattern ? then() : undefined);
  const [op, ...inner] = pattern;
  const parts = inner.map((part) => compilePattern(part as Pattern, names));
  const along = (g: GraphBuilder, args: readonly NodeId[], i: number, slots: NodeId[], then: Continue): NodeId | undefined =>
    i === parts.length ? then() : parts[i](g, args[i], slots, i === parts.length - 1 ? then : () => along(g, args, i + 1, slots, then));
  const commutes = COMMUTATIVE.has(op);
  return (g, id, slots, then) => {
    const node = g.node(id);
    if (node.op !== op || node.args.length !== parts.length) return undefined;
    const found = along(g, node.args, 0, slots, then);
    return found === undefined && commutes ? along(g, [node.args[1], node.args[0]], 0, slots, then) : found;
  };
}

interface CompiledRule {
  readonly rule: Rule;
  /** Made when the rule is first tried on a node of its op with as many arguments: most never are. */
  matcher?: { readonly names: readonly string[]; readonly match: Matcher };
}

interface CompiledRules {
  readonly byOp: ReadonlyMap<Op, readonly CompiledRule[]>;
  /** Scan bodies on which no rule fires, and which come out as they went in. */
  readonly settled: WeakSet<Graph>;
}

const compilations = new WeakMap<readonly Rule[], CompiledRules>();

function compiled(rules: readonly Rule[]): CompiledRules {
  const known = compilations.get(rules);
  if (known) return known;
  const byOp = new Map<Op, CompiledRule[]>();
  for (const rule of rules) {
    const [op] = rule.pattern;
    const alike = byOp.get(op);
    if (alike) alike.push({ rule });
    else byOp.set(op, [{ rule }]);
  }
  const result = { byOp, settled: new WeakSet<Graph>() };
  compilations.set(rules, result);
  return result;
}

function matcherOf(each: CompiledRule): NonNullable<CompiledRule["matcher"]> {
  if (each.matcher) return each.matcher;
  const names: string[] = [];
  const match = compilePattern(each.rule.pattern, names);
  each.matcher = { names, match };
  return each.matcher;
}

/** Makes the hook that applies rules to every new node of a builder; `trace` receives what fired. */
export function improveBy(rules: readonly Rule[], trace: Firing[]): Improve {
  const { byOp } = compiled(rules);
  return (g, id) => {
    const node = g.node(id);
    const slots: NodeId[] = []; // not shared: a replacement makes nodes, which come here too
    for (const each of byOp.get(node.op) ?? []) {
      const { rule } = each;
      if (rule.pattern.length - 1 !== node.args.length) continue;
      const { names, match } = matcherOf(each);
      const better = match(g, id, slots, () => replacement(rule, { g, id, node, x: bound(names, slots) }));
      if (better === undefined) continue;
      trace.push({ rule: rule.name, op: node.op, became: g.node(better).op });
      return better;
    }
    return undefined;
  };
}

function bound(names: readonly string[], slots: readonly NodeId[]): Match["x"] {
  const x: Record<string, NodeId> = {};
  for (let i = 0; i < names.length; i++) x[names[i]] = slots[i];
  return x;
}

function replacement(rule: Rule, match: Match): NodeId | undefined {
  if (rule.when && !rule.when(match)) return undefined;
  const found = rule.replace(match);
  if (found === undefined || found === match.id) return undefined;
  return match.g.broadcast(found, withoutAxes(match.node.axes, match.g.axesOf(found)));
}

/** Applies the rules everywhere, scan bodies included. The graph itself comes back if no rule fires. */
export function rewrite(graph: Graph, rules: readonly Rule[]): { graph: Graph; trace: readonly Firing[] } {
  const trace: Firing[] = [];
  const improve = improveBy(rules, trace);
  const { settled } = compiled(rules);
  const result = rebuild(graph, {
    improve,
    replace: (g, node, _index, args) => {
      if (node.op !== "scan") return undefined;
      return settled.has(node.attributes.scan!.body) && fits(g, node, args)
        ? copyNode(g, node, args)
        : rewriteScan(g, node, args, { improve, trace, settled });
    },
  });
  const same = trace.length === 0 && result.nodes.length === graph.nodes.length && count(result) === count(graph);
  return { graph: same ? graph : result, trace };
}

/** Nodes of a graph and its scan bodies. */
function count(graph: Graph): number {
  return graph.nodes.reduce((n, node) => n + 1 + (node.attributes.scan ? count(node.attributes.scan.body) : 0), 0);
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

interface ScanRewriting {
  readonly improve: Improve;
  readonly trace: readonly Firing[];
  readonly settled: WeakSet<Graph>;
}

function rewriteScan(g: GraphBuilder, old: Node, args: readonly NodeId[], { improve, trace, settled }: ScanRewriting): NodeId {
  const scan = old.attributes.scan!;
  const fired = trace.length;
  const body = graphBuilder(g.axes, improve);
  const place = importNodes(body, scan.body, {
    replace: (node, _index, inner) => {
      if (node.op === "transpose") return inner[0];
      return node.op === "parameter"
        ? body.make("parameter", [], node.attributes, { axes: parameterAxes(g, scan, args, node), type: node.type })
        : undefined;
    },
  });
  for (const [axis, size] of body.axes) g.declareAxis(axis, size);
  const ordered = [...args];
  const outputs = scan.body.outputs.map(({ name, node }, k) => {
    const id = place.get(node)!;
    if (k < scan.states) {
      const at = scan.sequences + scan.statics + k;
      ordered[at] = g.transpose(args[at], withoutAxes(body.axesOf(id), []));
    }
    return { name, node: id };
  });
  const result = body.finish(outputs);
  if (trace.length === fired && equalBodies(result, scan.body)) {
    settled.add(scan.body);
    return copyNode(g, old, ordered);
  }
  return copyNode(g, { ...old, attributes: { scan: { ...scan, body: result } } }, ordered);
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
