/**
 * Small algebra of axis lists: ordered, without repetition. Never looks at sizes.
 */
import type { AxisName } from "./node.ts";

/** Axes of the left, then the new ones of the right. */
export function unionAxes(...lists: readonly (readonly AxisName[])[]): AxisName[] {
  const result: AxisName[] = lists.length > 0 ? [...lists[0]] : [];
  for (let i = 1; i < lists.length; i++) for (const axis of lists[i]) if (!result.includes(axis)) result.push(axis);
  return result;
}

/** Axes of `list` that are not in `removed`, in order. */
export function withoutAxes(list: readonly AxisName[], removed: readonly AxisName[]): AxisName[] {
  return list.filter((axis) => !removed.includes(axis));
}

/** Axes of `list` that are in `kept`, in order. */
export function commonAxes(list: readonly AxisName[], kept: readonly AxisName[]): AxisName[] {
  return list.filter((axis) => kept.includes(axis));
}

/** The list with one axis replaced, in its place, by none, one or several. */
export function replaceAxis(list: readonly AxisName[], axis: AxisName, by: readonly AxisName[]): AxisName[] {
  return list.flatMap((each) => (each === axis ? by : [each]));
}

/** True if both hold the same axes in the same order. */
export function equalAxes(a: readonly AxisName[], b: readonly AxisName[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** True if both hold the same axes in any order. */
export function sameAxisSet(a: readonly AxisName[], b: readonly AxisName[]): boolean {
  return a.length === b.length && a.every((axis) => b.includes(axis));
}

/** True if every axis of `part` is in `whole`. */
export function hasAxes(whole: readonly AxisName[], part: readonly AxisName[]): boolean {
  for (let i = 0; i < part.length; i++) if (!whole.includes(part[i])) return false;
  return true;
}
