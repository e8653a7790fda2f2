/**
 * Places and the ways of reading them: the addresses of the scheduler.
 *
 * A place is a buffer before it has an address. An access says where an element lies in a place: offset + T·perLength + Σ index·stride, all in
 * elements, with one stride per axis name. Views (rename, slice, pick, split, a state one step before) are accesses to the same place: they
 * move nothing. Pure but for `Place.live`, which the planner widens as it goes.
 */
import type { AxisName, AxisSize, ElementType } from "../../ir/tensor/node.ts";
import { isTimed } from "../../ir/tensor/sizes.ts";
import type { BufferRole } from "../../ir/program/node.ts";

export interface Place {
  readonly id: number;
  readonly name: string;
  readonly role: BufferRole;
  readonly type: "f32" | "i32";
  readonly axes: readonly AxisName[];
  readonly shape: readonly AxisSize[];
  /** Elements with every T at capacity, extra time slots included. */
  readonly elements: number;
  /** Alive before and after a run (inputs, weights, outputs, packed weights). */
  readonly persistent: boolean;
  /** Holds only the time steps in hand: its time axis begins at the first of them. */
  readonly strip: boolean;
  /** First and last step that touches it; [∞, −∞] when untouched. */
  readonly live: { from: number; to: number };
}

export interface Access {
  readonly place: Place;
  readonly offset: number;
  /** Elements to add per time step of the run's length: where "the last step" lies. */
  readonly perLength: number;
  readonly strides: ReadonlyMap<AxisName, number>;
}

/** Sizes of the axes of a graph, and their room in a layout. */
export interface Sizes {
  readonly of: (axis: AxisName) => AxisSize;
  /** Elements that a layout keeps for an axis: T at capacity, or the rows of a strip; a second time axis rounded up to whole panels. */
  readonly extent: (axis: AxisName) => number;
  /** True inside a strip, where scratch holds only the time steps in hand. */
  readonly strip: boolean;
}

export function elementBits(type: ElementType): "f32" | "i32" {
  return type === "real" ? "f32" : "i32";
}

/** Row-major access to a whole place (or to a part that begins at `offset`). */
export function denseAccess(place: Place, axes: readonly AxisName[], sizes: Sizes, offset = 0): Access {
  const strides = new Map<AxisName, number>();
  let stride = 1;
  for (let i = axes.length - 1; i >= 0; i--) {
    strides.set(axes[i], stride);
    stride *= sizes.extent(axes[i]);
  }
  return { place, offset, perLength: 0, strides };
}

export function strideOf(access: Access, axis: AxisName): number {
  return access.strides.get(axis) ?? 0;
}

function withStrides(access: Access, change: (strides: Map<AxisName, number>) => void, offset = access.offset): Access {
  const strides = new Map(access.strides);
  change(strides);
  return { ...access, offset, strides };
}

export function renameAccess(access: Access, from: readonly AxisName[], to: readonly AxisName[]): Access {
  return withStrides(access, (strides) => {
    const values = from.map((axis) => strides.get(axis));
    for (const axis of from) strides.delete(axis);
    to.forEach((axis, i) => {
      if (values[i] !== undefined) strides.set(axis, values[i]);
    });
  });
}

/** A range of an axis that begins at `start`, under the name `to`. */
export function sliceAccess(access: Access, axis: AxisName, to: AxisName, start: number): Access {
  const stride = strideOf(access, axis);
  return renameAccess({ ...access, offset: access.offset + start * stride }, [axis], [to]);
}

/** One position of an axis, which disappears. */
export function pickAccess(access: Access, axis: AxisName, start: number): Access {
  return withStrides(access, (strides) => strides.delete(axis), access.offset + start * strideOf(access, axis));
}

/** The last time step of the run (t = T − 1). */
export function lastStepAccess(access: Access): Access {
  const stride = strideOf(access, "t");
  return { ...pickAccess(access, "t", -1), perLength: access.perLength + stride };
}

/** The same values `slots` time steps later in the place. */
export function laterAccess(access: Access, slots: number): Access {
  return { ...access, offset: access.offset + slots * strideOf(access, "t") };
}

/** One axis as several, row-major. */
export function splitAccess(access: Access, axis: AxisName, to: readonly AxisName[], sizes: Sizes): Access {
  return withStrides(access, (strides) => {
    let stride = strideOf(access, axis);
    strides.delete(axis);
    for (let i = to.length - 1; i >= 0; i--) {
      if (stride !== 0) strides.set(to[i], stride);
      stride *= sizes.extent(to[i]);
    }
  });
}

/** Several axes as one, if they lie row-major in the place. */
export function mergeAccess(access: Access, axes: readonly AxisName[], to: AxisName, sizes: Sizes): Access | undefined {
  let stride = strideOf(access, axes[axes.length - 1]);
  const inner = stride;
  for (let i = axes.length - 1; i > 0; i--) {
    stride *= sizes.extent(axes[i]);
    if (strideOf(access, axes[i - 1]) !== stride) return undefined;
  }
  return withStrides(access, (strides) => {
    for (const axis of axes) strides.delete(axis);
    if (inner !== 0) strides.set(to, inner);
  });
}

/** True if the elements of `axes`, in this order, lie side by side from the access's offset on. */
export function isDense(access: Access, axes: readonly AxisName[], sizes: Sizes): boolean {
  let stride = 1;
  for (let i = axes.length - 1; i >= 0; i--) {
    if (sizes.of(axes[i]) !== 1 && strideOf(access, axes[i]) !== stride) return false;
    stride *= sizes.extent(axes[i]);
  }
  return access.perLength === 0;
}

/** Distance between neighbours along each axis, row-major, where time has no size: positions do not depend on its length. */
export function positionStrides(axes: readonly AxisName[], sizes: Sizes): Map<AxisName, number> {
  const strides = new Map<AxisName, number>();
  let stride = 1;
  for (let i = axes.length - 1; i >= 0; i--) {
    strides.set(axes[i], stride);
    const size = sizes.of(axes[i]);
    stride *= isTimed(size) ? 1 : size;
  }
  return strides;
}

/** True if two accesses read the same elements in the same way. */
export function sameAccess(a: Access, b: Access): boolean {
  return (
    a.place === b.place &&
    a.offset === b.offset &&
    a.perLength === b.perLength &&
    a.strides.size === b.strides.size &&
    [...a.strides].every(([axis, stride]) => b.strides.get(axis) === stride)
  );
}

/** Marks the access's place as used by step `at`. */
export function touch(access: Access, at: number): void {
  const { live } = access.place;
  live.from = Math.min(live.from, at);
  live.to = Math.max(live.to, at);
}
