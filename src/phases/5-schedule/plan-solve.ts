/**
 * A triangular system's storage: which axis runs innermost, what loops around it.
 *
 * In: a node `solve`. Out: a solve step. The columns of the right side lie side by side: it is copied where they do not.
 */
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
  const columns = others[others.length - 1];
  const label = labelOf(graph, node);
  const contiguous = (access: Access): boolean => size(columns) === 1 || strideOf(access, columns) === 1;
  const dense = (from: Access | undefined): Access => {
    const access = places.scratch(label, [...others.slice(0, -1), axis, columns], type, sizes);
    if (from) planner.copy({ kind: "access", access: from }, access, { axes, type }, `bring ${label} together`, planner.steps);
    return access;
  };
  const r = contiguous(given) ? given : dense(given);
  const x = contiguous(target) ? target : dense(undefined);
  planner.add(
    {
      kind: "solve",
      label,
      outer: others.slice(0, -1).map((each) => ({ axis: each, size: size(each) })),
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
