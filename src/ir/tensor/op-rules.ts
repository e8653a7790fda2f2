/**
 * What the rule of an op is made of: its form, the kinds of ops, and what rules ask of their arguments.
 *
 * In: argument nodes, attributes, sizes. Out: shapes, or an InternalError that names the broken rule. Which op has which rule: ops.ts.
 */
import { InternalError, invariant } from "../../support/invariant.ts";
import { hasAxes, unionAxes } from "./axes.ts";
import type { Attributes, AxisName, AxisSize, ElementType, Node } from "./node.ts";

export interface Shape {
  readonly axes: readonly AxisName[];
  readonly type: ElementType;
}

/** Sizes of the axes in force; a lookup of an undeclared one is our mistake. */
export type AxisTable = ReadonlyMap<AxisName, AxisSize>;

export interface OpRule {
  /** Fewest and most arguments. */
  readonly arity: readonly [number, number];
  /** Attributes that must be there, and those that may be. */
  readonly required: readonly (keyof Attributes)[];
  readonly optional: readonly (keyof Attributes)[];
  /** Each result element depends only on the elements of the arguments at the same place. */
  readonly elementwise: boolean;
  /** Gives other names or bounds to elements that exist: moves nothing. */
  readonly view: boolean;
  /** Axes (and type) are not determined by the arguments but declared by the node itself. */
  readonly declared: boolean;
  readonly result: (args: readonly Node[], attributes: Attributes, axes: AxisTable, declared: Shape | undefined) => Shape;
}

/** Reports a broken rule; unlike `invariant`, the text is made only when it is needed. @throws InternalError */
export function broken(message: string): never {
  throw new InternalError(`internal error: ${message} (this is a bug in Sluice, please report it)`);
}

/** Size of an axis. @throws InternalError if it was never declared. */
export function sizeOf(axes: AxisTable, axis: AxisName): AxisSize {
  const size = axes.get(axis);
  if (size === undefined) broken(`axis ${axis} is not declared`);
  return size;
}

export function fixedSize(axes: AxisTable, axis: AxisName): number {
  const size = sizeOf(axes, axis);
  if (typeof size !== "number") broken(`axis ${axis} has the size of time where a number is needed`);
  return size;
}

export const real = (axes: readonly AxisName[]): Shape => ({ axes, type: "real" });

export function requireReal(args: readonly Node[]): void {
  for (const arg of args) if (arg.type !== "real") broken(`a real argument is needed, ${arg.op} is an index`);
}

export function requireAxes(node: Node, wanted: readonly AxisName[]): void {
  if (!hasAxes(node.axes, wanted)) broken(`axes [${wanted}] are not all in [${node.axes}]`);
}

export function requireDistinct(axes: readonly AxisName[]): void {
  for (let i = 1; i < axes.length; i++) if (axes.indexOf(axes[i]) !== i) broken(`an axis occurs twice in [${axes}]`);
}

export const NONE: OpRule["required"] = [];

export const leaf = (required: OpRule["required"], result: OpRule["result"], arity: OpRule["arity"] = [0, 0]): OpRule => ({
  arity,
  required,
  optional: NONE,
  elementwise: false,
  view: false,
  declared: true,
  result,
});

export const declaredShape: OpRule["result"] = (_args, _attributes, axes, declared) => {
  invariant(declared, "this op must declare its axes");
  requireDistinct(declared.axes);
  for (const axis of declared.axes) sizeOf(axes, axis);
  return declared;
};

export const elementwise = (count: number, result: OpRule["result"]): OpRule => ({
  arity: [count, count],
  required: NONE,
  optional: NONE,
  elementwise: true,
  view: false,
  declared: false,
  result,
});

export const unary: OpRule = elementwise(1, (args) => {
  requireReal(args);
  return real(args[0].axes);
});

export const binaryAxes = ([a, b]: readonly Node[]) => (hasAxes(a.axes, b.axes) ? a.axes : unionAxes(a.axes, b.axes));

export const arithmetic: OpRule = elementwise(2, (args) => {
  requireReal(args);
  return real(binaryAxes(args));
});

export const integerArithmetic: OpRule = elementwise(2, (args) => {
  invariant(args[0].type === args[1].type, "both operands must be real or both index");
  return { axes: binaryAxes(args), type: args[0].type };
});

export const comparison: OpRule = elementwise(2, (args) => {
  invariant(args[0].type === args[1].type, "both operands must be real or both index");
  return real(binaryAxes(args));
});

export const structure = (
  required: OpRule["required"],
  view: boolean,
  result: OpRule["result"],
  arity: OpRule["arity"] = [1, 1],
  optional: OpRule["optional"] = NONE,
): OpRule => ({ arity, required, optional, elementwise: false, view, declared: false, result });

export const reduction = (arity: number, result: OpRule["result"]): OpRule => structure(["over"], false, result, [arity, arity]);

export function requireOver(over: readonly AxisName[]): void {
  invariant(over.length > 0, "nothing to reduce over");
  requireDistinct(over);
}

export function names(to: AxisName | readonly AxisName[] | undefined): readonly AxisName[] {
  return to === undefined ? [] : typeof to === "string" ? [to] : to;
}

export function scanOf(node: Node) {
  if (!(node.op === "scan" && node.attributes.scan)) broken(`a scan is needed, not ${node.op}`);
  return node.attributes.scan;
}
