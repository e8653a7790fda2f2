/**
 * What the simplifier made of a network's products, read off the graphs before and after: which left the recurrence, which became one, and which recurrence goes by
 * chunks of time steps, which convolutions take fewer multiplications.
 *
 * In: two tensor graphs of the same forward run. Out: sentences in the author's names, and the same as data. Reads the graphs only, so it cannot
 * claim what did not happen.
 */
import type { Graph, Node } from "../ir/tensor/node.ts";
import { isTimed } from "../ir/tensor/sizes.ts";

/** One product with trained weights. */
export interface Product {
  /** Weights that it multiplies with: several once they are stacked. */
  readonly weights: readonly string[];
  /** State names of the recurrence inside which it runs at every time step; undefined outside of all. */
  readonly recurrence?: readonly string[];
}

export interface Findings {
  readonly before: readonly Product[];
  readonly after: readonly Product[];
  /** Weights whose product left a recurrence. */
  readonly hoisted: readonly string[];
  /** Groups of weights whose products became one. */
  readonly stacked: readonly (readonly string[])[];
  /** Recurrences that take several time steps at once, and how many. */
  readonly chunked: readonly { readonly states: readonly string[]; readonly steps: number }[];
  /** Minimal filters: the weights of the convolutions that are one, products of a tile, and those that its outputs would take tap by tap. */
  readonly filtered: readonly { readonly weights: readonly string[]; readonly products: number; readonly instead: number }[];
  readonly sentences: readonly string[];
}

/** Ops through which a weight stays a weight: it is only laid out anew. */
const LAYOUT = new Set(["rename", "transpose", "concat", "slice", "pick", "pad", "split", "merge", "broadcast"]);

/** Every contraction in which at least one operand is made of weights alone, with where it runs; those of minimal filters, which multiply with sums of weights, apart. */
export function weightProducts(graph: Graph): Product[] {
  return productsOf(graph, () => undefined, undefined);
}

type WeightsOf = (node: Node) => readonly string[] | undefined;

function productsOf(graph: Graph, outer: WeightsOf, recurrence: readonly string[] | undefined): Product[] {
  const known = new Map<number, readonly string[] | undefined>();
  const weightsOf = (id: number): readonly string[] | undefined => {
    if (known.has(id)) return known.get(id);
    const node = graph.nodes[id];
    let found: readonly string[] | undefined;
    if (node.op === "weight") found = [node.attributes.name!];
    else if (node.op === "parameter") found = outer(node);
    else if (LAYOUT.has(node.op)) {
      const parts = node.args.map(weightsOf);
      if (parts.every((part) => part !== undefined)) found = [...new Set(parts.flat())];
    }
    known.set(id, found);
    return found;
  };
  const products: Product[] = [];
  for (const node of graph.nodes) {
    if (node.op === "contract" && !inGroups(graph, node)) {
      const weights = node.args.map(weightsOf).find((list) => list !== undefined && list.length > 0);
      if (weights !== undefined) products.push({ weights, ...(recurrence && { recurrence }) });
    }
    const scan = node.attributes.scan;
    if (node.op === "scan" && scan !== undefined) {
      const inner: WeightsOf = (parameter) => {
        const { kind, index } = parameter.attributes;
        return kind === "static" ? weightsOf(node.args[scan.sequences + index!]) : undefined;
      };
      products.push(...productsOf(scan.body, inner, scan.stateNames));
    }
  }
  return products;
}

/** Compares the products of a forward graph as built and as simplified. */
export function findingsOf(built: Graph, simplified: Graph): Findings {
  const before = weightProducts(built);
  const after = weightProducts(simplified);
  const outside = new Set(after.filter((product) => product.recurrence === undefined).flatMap((product) => product.weights));
  const hoisted = [...new Set(before.filter((product) => product.recurrence !== undefined).flatMap((product) => product.weights))].filter((name) =>
    outside.has(name),
  );
  const stacked = after.filter((product) => product.weights.length > 1).map((product) => product.weights);
  const sentences: string[] = [];
  if (hoisted.length > 0) {
    const count = after.filter((product) => product.recurrence === undefined && product.weights.some((name) => hoisted.includes(name))).length;
    sentences.push(
      `hoisted: the ${hoisted.length === 1 ? "product" : "products"} with ${hoisted.join(", ")} ${hoisted.length === 1 ? "does" : "do"} not depend on the recurrence ` +
        `and ${hoisted.length === 1 ? "runs" : "run"} before it for all time steps at once, in ${count === 1 ? "one product" : `${count} products`}`,
    );
  }
  for (const product of after) {
    if (product.weights.length < 2) continue;
    const where = product.recurrence === undefined ? "for all time steps at once" : `at each time step of ${product.recurrence.join(", ")}`;
    sentences.push(`stacked: ${product.weights.join(", ")} share an operand and are one product ${where}`);
  }
  for (const product of after) {
    if (product.recurrence !== undefined && product.weights.length === 1) {
      sentences.push(`alone: ${product.weights[0]} is one product at each time step of ${product.recurrence.join(", ")}`);
    }
  }
  const chunked = simplified.nodes.flatMap(({ attributes: { scan } }) =>
    scan?.chunk === undefined ? [] : [{ states: scan.stateNames, steps: simplified.axes.get(scan.chunk) as number }],
  );
  for (const { states, steps } of chunked) {
    sentences.push(`by chunks: ${states.join(", ")} is linear in itself and read by products alone, so ${steps} time steps are taken at once`);
  }
  const filtered = filtersOf(simplified);
  for (const { weights, products, instead } of filtered) {
    sentences.push(`filtered: ${weights.join(", ")} convolve one value over time; ${OUTPUTS} steps take ${products} products instead of ${instead}`);
  }
  return { before, after, hoisted, stacked, chunked, filtered, sentences };
}

/** Outputs of a tile of a minimal filter. */
const OUTPUTS = 4;

/** True for a value over groups of time steps, which only minimal filters have. */
function inGroups(graph: Graph, { axes }: Node): boolean {
  return axes.some((axis) => isTimed(graph.axes.get(axis)) && graph.axes.get(axis) !== "T");
}

/** Minimal filters: F(outputs, taps) has outputs + taps − 1 products. */
function filtersOf(graph: Graph): Findings["filtered"] {
  const reached = (id: number, stop: (node: Node) => boolean, found = new Set<Node>()): Set<Node> => {
    const node = graph.nodes[id];
    if (stop(node)) found.add(node);
    else for (const arg of node.args) reached(arg, stop, found);
    return found;
  };
  return graph.nodes.flatMap((node) => {
    if (node.op !== "unfold") return [];
    const products = [...reached(node.args[0], ({ op }) => op === "contract")];
    const kernels = products.flatMap(({ args }) => args.filter((arg) => !inGroups(graph, graph.nodes[arg])));
    const weights = new Set(kernels.flatMap((kernel) => [...reached(kernel, ({ op }) => op === "weight")].map(({ attributes }) => attributes.name!)));
    const taps = products.length + 1 - OUTPUTS;
    return [{ weights: [...weights], products: products.length, instead: OUTPUTS * taps }];
  });
}
