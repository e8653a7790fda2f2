/**
 * Who computes a value that goes by other names.
 *
 * In: a node and where its value should be. Out: the node whose step can write it there, and the access through which it does. Pure.
 */
import type { Graph } from "../../ir/tensor/node.ts";
import { renameAccess, type Access, type Sizes } from "./access.ts";
import { isFused, isSink } from "./group.ts";
import type { ProductRoles } from "./roles.ts";

interface Plan {
  readonly graph: Graph;
  readonly sizes: Sizes;
  readonly products: ReadonlyMap<number, ProductRoles>;
}

/** The node that computes a value under other axis names, and where it should write to put the value at `access`. */
export function behindNames(plan: Plan, node: number, access: Access): { node: number; access: Access } | undefined {
  if (computes(plan, node)) return { node, access };
  const { op, args, attributes } = plan.graph.nodes[node];
  if (op === "transpose") return behindNames(plan, args[0], access);
  if (op === "broadcast" && attributes.over!.every((axis) => plan.sizes.of(axis) === 1)) return behindNames(plan, args[0], access);
  if (op !== "rename") return undefined;
  return behindNames(plan, args[0], renameAccess(access, typeof attributes.to === "string" ? [attributes.to] : attributes.to!, attributes.from!));
}

/** True if a node has a step of its own that can write anywhere. */
function computes({ graph, products }: Plan, node: number): boolean {
  const { op } = graph.nodes[node];
  return (
    products.has(node) ||
    isFused(graph.nodes[node]) ||
    (isSink(graph.nodes[node]) && op !== "scan") ||
    op === "concat" ||
    op === "pad" ||
    op === "solve"
  );
}
