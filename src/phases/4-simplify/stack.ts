/**
 * Makes one product of several.
 *
 * In: a graph (or the body of a scan). Out: the same, where products that share an operand are one product with the stack of their weights,
 *
 *     Wi·h, Wf·h, Wo·h  =  slices of [Wi; Wf; Wo]·h
 *
 * and a sum of products of different values with different weights is one product of the stacks,
 *
 *     Uiᵀδi + Ufᵀδf + Uoᵀδo  =  [Ui; Uf; Uo]ᵀ·[δi; δf; δo]
 *
 * Only weights (and what is made of them alone) are stacked, so that it happens once; values are stacked inside a recurrence, where what computes
 * them can write to the right place, or where they lie side by side already.
 */
import { commonAxes, sameAxisSet, withoutAxes } from "../../ir/tensor/axes.ts";
import type { AxisName, Graph } from "../../ir/tensor/node.ts";
import type { Firing } from "../../ir/tensor/rewrite.ts";
import { groupBy, productViews, readersOf, remake, renamed, stack, stackedAxis, staticNodes, type ProductView, type Replacement } from "./remake.ts";

/** Says by what name a weight is known, so that stacks made in different places get the same order. */
export type WeightName = (graph: Graph, id: number) => string;

/** The axis of a weight that is a vector and gives one number. */
const ONE = "one";

const compare = (a: string | number, b: string | number): number => (a < b ? -1 : a > b ? 1 : 0);

/** Whether values may be laid side by side. */
export type MayStack = (values: readonly number[]) => boolean;

/** Products of one value with several weights become one product. Those that `stackTerms` would join under `mayStack` are left to it. */
export function stackWeights(graph: Graph, trace: Firing[], nameOf: WeightName, mayStack?: MayStack): Graph {
  const isStatic = staticNodes(graph);
  const readers = readersOf(graph);
  /** Where the product's companion begins, if the product is added to a slice: stacks to be added later should lie alike. */
  const companion = (index: number): number => {
    for (const reader of readers[index]) {
      const { op, args } = graph.nodes[reader] ?? {};
      const other = op === "add" ? graph.nodes[args![0] === index ? args![1] : args![0]] : undefined;
      if (other?.op === "slice") return other.attributes.start!;
    }
    return Number.MAX_SAFE_INTEGER;
  };
  const left = new Set(mayStack ? stackableSums(graph, mayStack).flatMap((sum) => sum.groups.flat().map((term) => term.product)) : []);
  const candidates: (ProductView & { readonly out: readonly AxisName[] })[] = [];
  for (const index of graph.nodes.keys()) {
    if (left.has(index)) continue;
    for (const view of productViews(graph, index)) {
      const [x, w] = [graph.nodes[view.left], graph.nodes[view.right]];
      if (isStatic[view.left] || !isStatic[view.right]) continue;
      if (!sameAxisSet(commonAxes(w.axes, x.axes), view.over)) continue; // a batched product has an axis of its own for each weight
      const out = withoutAxes(w.axes, view.over);
      candidates.push({ ...view, out: out.length > 0 ? out : [ONE] });
    }
  }
  const replacements = new Map<number, Replacement>();
  const groups = groupBy(candidates, ({ left, over, out }) => [left, over.toSorted().join(), out.slice(0, -1).join(), out.length].join("|"));
  for (const unsorted of groups) {
    if (new Set(unsorted.map((each) => each.right)).size < 2) continue;
    const keyed = unsorted.map((each) => ({ each, at: companion(each.index), name: nameOf(graph, each.right) }));
    const group = keyed.sort((a, b) => compare(a.at, b.at) || compare(a.name, b.name)).map(({ each }) => each);
    const { left, over, out } = group[0];
    const common = out.slice(0, -1);
    const parts = group.map((each) => each.out.at(-1)!);
    trace.push({ rule: "stack weights", op: "contract", became: "slice", name: graph.nodes[group[0].index].name });
    let start = 0;
    for (const [k, member] of group.entries()) {
      const at = start;
      replacements.set(member.index, (g, get) => {
        if (parts.includes(ONE)) g.declareAxis(ONE, 1);
        const axis = stackedAxis(g, parts, [...graph.nodes[left].axes, ...common, ...over]);
        const operands = group.map((each, j) => (parts[j] === ONE ? g.broadcast(get(each.right), g.declareAxis(ONE, 1)) : get(each.right)));
        const product = g.contract(get(left), stack(g, operands, parts, axis), over);
        return parts[k] === ONE ? g.pick(product, axis, at) : g.slice(product, axis, parts[k], at);
      });
      start += parts[k] === ONE ? 1 : (graph.axes.get(parts[k]) as number);
    }
  }
  return replacements.size === 0 ? graph : remake(graph, replacements);
}

/** A product of a value with a weight over one axis, as a term of a sum; `names`: final names of the weight's other axes. */
interface Term {
  readonly index: number;
  /** The contraction, below a rename perhaps. */
  readonly product: number;
  readonly value: number;
  readonly weight: number;
  readonly over: AxisName;
  readonly names: readonly (readonly [AxisName, AxisName])[];
}

interface StackableSum {
  readonly root: number;
  /** All terms of the sum. */
  readonly all: readonly number[];
  /** Terms that can become one product. */
  readonly groups: readonly (readonly Term[])[];
}

function stackableSums(graph: Graph, mayStack: MayStack): StackableSum[] {
  const isStatic = staticNodes(graph);
  const readers = readersOf(graph);
  const isInner = (i: number): boolean => {
    const { op, name } = graph.nodes[i];
    return op === "add" && name === undefined && readers[i].length === 1 && graph.nodes[readers[i][0]]?.op === "add";
  };
  const addends = (i: number): number[] => graph.nodes[i].args.flatMap((arg) => (isInner(arg) ? addends(arg) : [arg]));
  const result: StackableSum[] = [];
  for (const [root, node] of graph.nodes.entries()) {
    if (node.op !== "add" || node.type !== "real" || isInner(root)) continue;
    const all = addends(root);
    const terms = all.flatMap((each) => (readers[each].length === 1 ? (termOf(graph, each, isStatic) ?? []) : []));
    const key = ({ index, value, over }: Term) =>
      [graph.nodes[index].axes.toSorted().join(), withoutAxes(graph.nodes[value].axes, [over]).toSorted().join()].join("|");
    const groups = groupBy(terms, key).filter((group) => group.length > 1 && mayStack(group.map((term) => term.value)));
    if (groups.length > 0) result.push({ root, all, groups });
  }
  return result;
}

/** Sums of products with weights become one product. */
export function stackTerms(graph: Graph, trace: Firing[], nameOf: WeightName, mayStack: MayStack): Graph {
  const replacements = new Map<number, Replacement>();
  const sums = stackableSums(graph, mayStack);
  const keys = valueKeys(graph, sums, nameOf);
  for (const { root, all, groups } of sums) {
    const sorted = groups.map((group) => sortTerms(graph, group, keys));
    const taken = new Set(sorted.flat().map((term) => term.index));
    trace.push({ rule: "stack terms", op: "add", became: "contract", name: graph.nodes[root].name });
    replacements.set(root, (g, get) => {
      const products = sorted.map((group) => {
        const result = graph.nodes[group[0].index].axes;
        const parts = group.map((term) => g.otherAxis(term.over, result));
        const axis = stackedAxis(g, parts, result);
        const values = group.map((term, k) => renamed(g, get(term.value), [[term.over, parts[k]]]));
        const weights = group.map((term, k) => renamed(g, get(term.weight), [...term.names, [term.over, parts[k]]]));
        return g.contract(stack(g, values, parts, axis), stack(g, weights, parts, axis), axis);
      });
      return g.addAll([...all.filter((each) => !taken.has(each)).map(get), ...products]);
    });
  }
  return replacements.size === 0 ? graph : remake(graph, replacements);
}

/** For every value in a sum its first weight by name: the same in all sums, so that values that meet again are stacked in the same order. */
function valueKeys(graph: Graph, sums: readonly StackableSum[], nameOf: WeightName): Map<number, string> {
  const keys = new Map<number, string>();
  for (const term of sums.flatMap((sum) => sum.groups.flat())) {
    const name = nameOf(graph, term.weight);
    const old = keys.get(term.value);
    if (old === undefined || name < old) keys.set(term.value, name);
  }
  return keys;
}

/** Slices of one value in their order; others by their keys. */
function sortTerms(graph: Graph, terms: readonly Term[], keys: ReadonlyMap<number, string>): Term[] {
  const keyed = terms.map((term) => {
    const { op, args, attributes } = graph.nodes[term.value];
    return {
      term,
      whole: op === "slice" ? args[0] : Number.MAX_SAFE_INTEGER,
      start: op === "slice" ? attributes.start! : 0,
      key: keys.get(term.value)!,
    };
  });
  return keyed.sort((a, b) => a.whole - b.whole || a.start - b.start || compare(a.key, b.key)).map(({ term }) => term);
}

function termOf(graph: Graph, index: number, isStatic: readonly boolean[]): Term | undefined {
  const node = graph.nodes[index];
  if (node.op === "rename") {
    const inner = termOf(graph, node.args[0], isStatic);
    if (!inner) return undefined;
    const { from, to } = node.attributes;
    const valueAxes = withoutAxes(graph.nodes[inner.value].axes, [inner.over]);
    if (from!.some((axis) => valueAxes.includes(axis))) return undefined;
    return { ...inner, index, names: inner.names.map(([old, name]) => [old, (to as readonly AxisName[])[from!.indexOf(name)] ?? name]) };
  }
  for (const { left, right, over } of productViews(graph, index)) {
    if (over.length !== 1 || isStatic[left] || !isStatic[right]) continue;
    const [x, w] = [graph.nodes[left], graph.nodes[right]];
    if (!sameAxisSet(commonAxes(w.axes, x.axes), over)) continue;
    return { index, product: index, value: left, weight: right, over: over[0], names: withoutAxes(w.axes, over).map((axis) => [axis, axis]) };
  }
  return undefined;
}
