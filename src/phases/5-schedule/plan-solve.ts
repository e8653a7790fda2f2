/**
 * A triangular system's storage: which axis runs innermost, what loops around it.
 *
 * In: a node `solve` whose axes but for its columns have fixed sizes. Out: a solve step. The columns of the right side lie side by side: it is copied where they do not.
 */
import { invariant } from "../../support/invariant.ts";
import { strideOf, type Access } from "./access.ts";
import { labelOf } from "./label.ts";
import type { Planning } from "./planning.ts";

export function planSolve(planner: Planning, node: number): void {
  const { graph, sizes, places } = planner;
  const { args, attributes, axes, type } = graph.nodes[node];
  const axis = attributes.axis!;
  const size = (name: string): number => sizes.of(name) as number;
  const l = planner.accessOf(args[0]);
  const others = axes.filter((each) => each !== axis);
  const given = planner.accessOf(args[1]);
  const target = planner.targetOf(node);
  // Columns are what L does not vary along: the same weights for all of them.
  const free = others.filter((each) => sizes.of(each) !== "T" && !graph.nodes[args[0]].axes.includes(each));
  invariant(free.length > 0, `solve ${node} has no columns`);
  const columns = free[free.length - 1];
  const outer = others.filter((each) => each !== columns);
  const label = labelOf(graph, node);
  const contiguous = (access: Access): boolean => size(columns) === 1 || strideOf(access, columns) === 1;
  const dense = (from: Access | undefined): Access => {
    const access = places.scratch(label, [...outer, axis, columns], type, sizes);
    if (from) planner.copy({ kind: "access", access: from }, access, { axes, type }, `bring ${label} together`, planner.steps);
    return access;
  };
  const r = contiguous(given) ? given : dense(given);
  const x = contiguous(target) ? target : dense(undefined);
  planner.add(
    {
      kind: "solve",
      label,
      outer: outer.map((each) => ({ axis: each, size: size(each) })),
      rows: { axis, size: size(axis) },
      summed: attributes.to as string,
      columns: { axis: columns, size: size(columns) },
      l,
      r,
      x,
      reverse: attributes.reverse ?? false,
    },
    [l, r, x],
  );
  if (x !== target) planner.copy({ kind: "access", access: x }, target, { axes, type }, `store ${label}`, planner.steps);
}
