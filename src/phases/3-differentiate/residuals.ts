/**
 * What a backward scan needs of its forward scan: kept (emitted by the forward body) or recomputed.
 *
 * In: the nodes of a forward body that the backward body reads. Out: the set of nodes to emit. Rule: results of products, reductions and transcendental
 * functions are kept; chains of additions, multiplications, selects and views are recomputed from what is kept, unless keeping the end of the
 * chain itself takes less room than keeping what it is made of. What a product of the backward pass reads is kept too: the product needs it in memory, and the
 * forward pass has it at hand. A state before its step is its next value, shifted in time.
 */
import type { GraphBuilder, NodeId } from "../../ir/tensor/build.ts";
import type { Op } from "../../ir/tensor/node.ts";
import { isElementwise, isView } from "../../ir/tensor/ops.ts";
import { placesOf } from "../../ir/tensor/sizes.ts";

/** Ops whose result is cheaper to compute again than to write and read. */
const CHEAP: ReadonlySet<Op> = new Set<Op>([
  "constant",
  "iota",
  "random",
  "parameter",
  "neg",
  "abs",
  "sign",
  "step",
  "relu",
  "stop_gradient",
  "to_real",
  "add",
  "sub",
  "mul",
  "max",
  "min",
  "less",
  "less_equal",
  "equal",
  "select",
  "transpose",
  "concat",
  "pad",
]);

/** Steps of time assumed for an axis that is as long as time. */
const TYPICAL_T = 64;

export interface ResidualPlan {
  /** True if the value is read from what the forward scan emits. */
  keeps(id: NodeId): boolean;
}

/**
 * @param touched nodes of the forward body that the backward body reads
 * @param factors those of them that its products read
 * @param next the next value of a state, by its index; absent in a scan by chunks, which emits its states themselves
 * @param emitted nodes that the forward scan emits anyway
 * @param least true to compute all elementwise work again
 * @param mayKeep false for what must be computed again in any case
 */
export function planResiduals(
  g: GraphBuilder,
  touched: readonly NodeId[],
  factors: readonly NodeId[],
  next: ((state: number) => NodeId) | undefined,
  emitted: ReadonlySet<NodeId>,
  least = false,
  mayKeep: (id: NodeId) => boolean = () => true,
): ResidualPlan {
  const kept = new Set<NodeId>();
  const size = (id: NodeId): number => g.axesOf(id).reduce((n, axis) => n * placesOf(g.size(axis), TYPICAL_T), 1);
  const isCheap = (id: NodeId): boolean =>
    CHEAP.has(g.node(id).op) || isView(g.node(id).op) || ofPositions(g, id) || (least && isElementwise(g.node(id).op)) || !mayKeep(id);
  const available = (id: NodeId): boolean => kept.has(id) || emitted.has(id);

  /** What must be kept in addition so that the value can be had; a value that will be emitted anyway costs nothing. */
  const missing = (id: NodeId, found = new Set<NodeId>(), seen = new Set<NodeId>()): Set<NodeId> => {
    if (seen.has(id)) return found;
    seen.add(id);
    const node = g.node(id);
    if (node.op === "parameter") {
      if (next && node.attributes.kind === "state" && !available(next(node.attributes.index!))) found.add(next(node.attributes.index!));
    } else if (!available(id)) {
      if (!isCheap(id)) found.add(id);
      else for (const arg of node.args) missing(arg, found, seen);
    }
    return found;
  };
  const order = [...touched].sort((a, b) => a - b);
  /** True if a value differs from step to step. */
  const varies = new Map<NodeId, boolean>();
  const variesInTime = (id: NodeId): boolean => {
    const known = varies.get(id);
    if (known !== undefined) return known;
    const { op, args, attributes } = g.node(id);
    const found = op === "parameter" ? attributes.kind !== "static" : args.some(variesInTime);
    varies.set(id, found);
    return found;
  };
  /** True for an outer product, or a sum with one: the products of the backward pass take its factors (see simplify). */
  const isOuter = (id: NodeId): boolean => {
    const { op, args } = g.node(id);
    if (op === "mul" && args.every((arg) => g.axesOf(arg).length < g.axesOf(id).length)) return true;
    return (op === "add" || op === "sub" || op === "mul") && args.some((arg) => g.axesOf(arg).length === g.axesOf(id).length && isOuter(arg));
  };
  for (const id of order) if (!isCheap(id)) kept.add(id);
  for (const id of factors) {
    const value = unviewed(g, id);
    if (g.node(value).op !== "parameter" && variesInTime(value) && !isOuter(value) && mayKeep(value)) kept.add(value);
  }
  for (const id of order) if (g.node(id).op === "parameter") for (const each of missing(id)) kept.add(each);
  for (const id of order) {
    const needed = missing(id);
    const room = [...needed].reduce((sum, each) => sum + size(each), 0);
    if (size(id) < room && mayKeep(id)) kept.add(id);
    else for (const each of needed) kept.add(each);
  }
  return { keeps: (id) => g.node(id).op !== "parameter" && g.node(id).op !== "constant" && available(id) };
}

/** True for a value made of positions alone: a mask, which is the same in every iteration and computed once. */
function ofPositions(g: GraphBuilder, id: NodeId): boolean {
  const { op, args } = g.node(id);
  return op === "iota" || op === "constant" || (args.length > 0 && op !== "random" && args.every((arg) => ofPositions(g, arg)));
}

/** The node whose elements a view shows. */
function unviewed(g: GraphBuilder, id: NodeId): NodeId {
  return isView(g.node(id).op) ? unviewed(g, g.node(id).args[0]) : id;
}
