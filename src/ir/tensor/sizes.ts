/**
 * Sizes that follow from the number of time steps.
 *
 * In: the size of an axis. Out: whether the run decides it, how many steps each of its places stands for, how many places it has. Pure.
 */
import { invariant } from "../../support/invariant.ts";
import type { AxisSize } from "./node.ts";

/** True for the size of time and for that of groups of time steps. */
export function isTimed(size: AxisSize | undefined): size is Exclude<AxisSize, number> {
  return typeof size === "string";
}

/** Time steps that one place along an axis stands for: 1 for "T", 4 for "T/4". */
export function stepsTogether(size: Exclude<AxisSize, number>): number {
  return size === "T" ? 1 : Number(size.slice(2));
}

/** Places along an axis in a run of `steps` time steps: as many as hold all of them. */
export function placesOf(size: AxisSize, steps: number): number {
  return typeof size === "number" ? size : Math.ceil(steps / stepsTogether(size));
}

/** True for a size that an axis can have. */
export function isSize(size: AxisSize): boolean {
  if (size === "T") return true;
  const count = isTimed(size) ? stepsTogether(size) : size;
  return Number.isInteger(count) && count > (isTimed(size) ? 1 : 0);
}

/** The size that a text stands for. @throws InternalError if it stands for none */
export function readSize(text: string): AxisSize {
  const size = text.startsWith("T") ? (text as AxisSize) : Number(text);
  invariant(isSize(size), `${text} is no size`);
  return size;
}
