/**
 * Which contractions are matrix products, and who plays which part: decided from axes alone.
 *
 *     C[m…, n…] = Σ_k A[m…, k…]·B[k…, n…]     B owns the innermost axis of C; axes in A, B and C are loops around the product
 *
 * An addition that follows a product and has no other use for it is what C begins with. Everything that is not a product is a nest.
 */
import type { AxisName, AxisSize, Graph, Node } from "../../ir/tensor/node.ts";
import { isTimed } from "../../ir/tensor/sizes.ts";

export interface ProductRoles {
  /** Nodes of A and B. */
  readonly a: number;
  readonly b: number;
  /** Node whose value the product stores: the contraction, or the addition that it begins with. */
  readonly result: number;
  /** Node of what C begins with. */
  readonly initial?: number;
  readonly m: readonly AxisName[];
  readonly n: readonly AxisName[];
  readonly k: readonly AxisName[];
  readonly batched: readonly AxisName[];
}

/** Consumers of every node, outputs not counted. */
export function consumersOf(graph: Graph): number[][] {
  const consumers: number[][] = graph.nodes.map(() => []);
  graph.nodes.forEach((node, i) => {
    for (const arg of new Set(node.args)) consumers[arg].push(i);
  });
  return consumers;
}

/**
 * The products of a graph, by the node that stores each. `ready(node)`: true if a value is in memory without a nest of its own; `fixed(node)`: true if it
 * can be packed before the loop, so that its columns may grow with time; `together(node, other)`: true if one step may compute both.
 */
export function productsOf(
  graph: Graph,
  consumers: readonly (readonly number[])[],
  ready: (node: number) => boolean,
  fixed: (node: number) => boolean,
  together: (node: number, other: number) => boolean = () => true,
): Map<number, ProductRoles> {
  const products = new Map<number, ProductRoles>();
  const outputs = new Set(graph.outputs.map((output) => output.node));
  graph.nodes.forEach((node, i) => {
    if (node.op !== "contract") return;
    const roles = rolesOf(graph, i, node.axes);
    if (!roles || (roles.n.some((axis) => isTimed(graph.axes.get(axis))) && !(roles.n.length === 1 && fixed(roles.b)))) return;
    const add = outputs.has(i) || consumers[i].length !== 1 || !together(i, consumers[i][0]) ? undefined : consumers[i][0];
    const initial = add === undefined ? undefined : addend(graph, add, i);
    const inMemory = (other: number): boolean => ready(other) || products.has(other);
    if (add !== undefined && initial !== undefined && inMemory(initial) && graph.nodes[add].axes.length === node.axes.length) {
      const fused = rolesOf(graph, i, graph.nodes[add].axes);
      if (fused) {
        products.set(add, { ...fused, result: add, initial });
        return;
      }
    }
    products.set(i, roles);
  });
  return products;
}

/** The other side of an addition whose axes are all axes of the product. */
function addend(graph: Graph, add: number, product: number): number | undefined {
  const { op, args } = graph.nodes[add];
  if (op !== "add" || args[0] === args[1]) return undefined;
  const other = args[0] === product ? args[1] : args[0];
  const axes = graph.nodes[product].axes;
  return other < add && graph.nodes[other].op !== "constant" && graph.nodes[other].axes.every((axis) => axes.includes(axis)) ? other : undefined;
}

function rolesOf(graph: Graph, index: number, resultAxes: readonly AxisName[]): ProductRoles | undefined {
  const node = graph.nodes[index];
  const [x, y] = node.args;
  const over = node.attributes.over ?? [];
  const has = (operand: Node, axis: AxisName): boolean => operand.axes.includes(axis);
  const [first, second] = [graph.nodes[x], graph.nodes[y]];
  if (over.length === 0 || !over.every((axis) => has(first, axis) && has(second, axis))) return undefined;
  const innermost = resultAxes[resultAxes.length - 1];
  if (innermost === undefined || (has(first, innermost) && has(second, innermost))) return undefined;
  const swapped = has(first, innermost);
  const [a, b] = swapped ? [second, first] : [first, second];
  const only = (operand: Node, other: Node): AxisName[] => resultAxes.filter((axis) => has(operand, axis) && !has(other, axis));
  const m = only(a, b);
  const n = only(b, a);
  const size = (axes: readonly AxisName[]): number => axes.reduce((product, axis) => product * Number(numberOf(graph.axes.get(axis))), 1);
  const k = a.axes.filter((axis) => over.includes(axis));
  // The order of a sum must not depend on the size of a batch.
  const columns = n.filter((axis) => axis !== "b");
  if (m.length === 0 || n.includes("t") || size(columns) < 2 || size(k) < 2) return undefined;
  return {
    a: swapped ? y : x,
    b: swapped ? x : y,
    result: index,
    m,
    n,
    k,
    batched: resultAxes.filter((axis) => has(first, axis) && has(second, axis)),
  };
}

function numberOf(size: AxisSize | undefined): number {
  return isTimed(size) || size === undefined ? Number.POSITIVE_INFINITY : size;
}
