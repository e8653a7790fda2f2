/**
 * Time in groups: fold and unfold as ways of reading one place.
 *
 * In: a graph, or a node of its plan. Out: orders of axes, accesses, and the steps that fill a folded place. A value with an axis of groups lies as [groups, steps, rest…]: the same
 * elements in the same order as with the one axis t, so unfolding moves nothing. Folding has the value written (or copied) to a place with room for whole
 * groups, where what lies past the end is cleared.
 */
import type { AxisName, AxisSize, Graph, Node } from "../../ir/tensor/node.ts";
import { isTimed, stepsTogether } from "../../ir/tensor/sizes.ts";
import { invariant } from "../../support/invariant.ts";
import { pickAccess, sameAccess, strideOf, type Access, type Sizes } from "./access.ts";
import { labelOf } from "./label.ts";
import type { Planning } from "./planning.ts";
import type { Folded } from "./step.ts";

/** The size that groups time steps among the sizes of a step's axes. @throws InternalError if time steps and groups, or two kinds of groups, meet in one step */
export function foldedIn(sizes: readonly AxisSize[]): Folded | undefined {
  const timed = sizes.filter((size) => isTimed(size));
  const folded = timed.find((size): size is Folded => size !== "T");
  invariant(folded === undefined || timed.every((size) => size === folded), "time steps and groups of them in one loop");
  return folded;
}

/** The graph with the axes of groups, then those of the steps in each, in front of all others. */
export function foldsTogether(graph: Graph): Graph {
  const steps: AxisName[] = [];
  const groups = new Set<AxisName>();
  for (const { op, attributes } of graph.nodes) {
    if (op !== "fold" && op !== "unfold") continue;
    groups.add(attributes.axes![0]);
    if (!steps.includes(attributes.axes![1])) steps.push(attributes.axes![1]);
  }
  if (groups.size === 0) return graph;
  for (const { op, attributes, axes } of graph.nodes) {
    if (!axes.some((axis) => groups.has(axis))) continue;
    if (op === "split" && steps.includes(attributes.axis!)) steps.push(...(attributes.to as readonly AxisName[]));
    if (op === "merge" && steps.includes(attributes.to as AxisName)) steps.push(...attributes.axes!);
  }
  const rank = (axis: AxisName): number => (groups.has(axis) ? 0 : steps.includes(axis) ? 1 + steps.indexOf(axis) : 1 + steps.length);
  const nodes = graph.nodes.map((node): Node => {
    if (!node.axes.some((axis) => groups.has(axis))) return node;
    return { ...node, axes: [...node.axes].sort((p, q) => rank(p) - rank(q)) };
  });
  return { ...graph, nodes };
}

/** True for a fold of which only the first step of each group is read: that one is there even if the group is not full. */
export function readsFirstSteps({ graph, consumers }: Planning, node: number): boolean {
  const step = graph.nodes[node].attributes.axes![1];
  return consumers[node].every((user) => {
    const { op, attributes } = graph.nodes[user];
    return op === "pick" && attributes.axis === step && attributes.start === 0;
  });
}

/** The place of a folded value, read as time steps and as groups of them. */
export interface FoldedPlace {
  readonly steps: Access;
  readonly folded: Access;
}

/** Makes the place of what `node` folds. */
export function placeOfFold(planner: Planning, node: number): FoldedPlace {
  const { args, attributes } = planner.graph.nodes[node];
  const source = planner.graph.nodes[args[0]];
  const together = stepsOf(planner.sizes, attributes.axes![0]);
  const axes = ["t", ...source.axes.filter((axis) => axis !== "t")];
  const steps = planner.places.scratch(labelOf(planner.graph, node), axes, source.type, planner.sizes, together - 1);
  return { steps, folded: foldAccess(steps, attributes.axes!, planner.sizes) };
}

/** Fills the place of a fold: copies the value unless it was written there, and clears what lies past the end. */
export function planFold(planner: Planning, node: number, { steps, folded }: FoldedPlace): Access {
  const { args, attributes } = planner.graph.nodes[node];
  const source = planner.graph.nodes[args[0]];
  const label = labelOf(planner.graph, node);
  const rest = stepsOf(planner.sizes, attributes.axes![0]) - 1;
  const stride = strideOf(steps, "t");
  const past = { ...pickAccess(steps, "t", 0), perLength: stride };
  const axes = [{ name: "past", size: rest }, ...source.axes.filter((axis) => axis !== "t").map((name) => ({ name, size: planner.sizes.of(name) }))];
  const access: Access = { ...past, strides: new Map([...past.strides, ["past", stride]]) };
  const { type } = source;
  planner.add(
    {
      kind: "nest",
      label: `end of ${label}`,
      axes,
      operations: [{ op: "copy", args: [{ kind: "constant", value: 0, type }], type, stores: [access], over: [] }],
    },
    [access],
  );
  const value = planner.valueOf(args[0]);
  if (value.kind === "constant" || !sameAccess(value.access, steps)) planner.copy(value, steps, source, label, planner.steps);
  return folded;
}

/** Groups and steps as time steps; undefined if they do not lie as those would. */
export function unfoldAccess(access: Access, [group, step]: readonly AxisName[], sizes: Sizes): Access | undefined {
  const stride = strideOf(access, step);
  if (strideOf(access, group) !== stride * stepsOf(sizes, group)) return undefined;
  const strides = new Map(access.strides);
  strides.delete(group);
  strides.delete(step);
  if (stride !== 0) strides.set("t", stride);
  return { ...access, strides };
}

/** Time steps as groups of them, where every step that will be read is in its place. */
export function foldAccess(access: Access, [group, step]: readonly AxisName[], sizes: Sizes): Access {
  const stride = strideOf(access, "t");
  const together = stepsOf(sizes, group);
  const strides = new Map(access.strides);
  strides.delete("t");
  strides.set(group, stride * together);
  strides.set(step, stride);
  return { ...access, strides };
}

function stepsOf(sizes: Sizes, group: AxisName): number {
  const size = sizes.of(group);
  invariant(isTimed(size), `${group} is no axis of groups`);
  return stepsTogether(size);
}
