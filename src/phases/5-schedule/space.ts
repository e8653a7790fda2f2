/**
 * The loops around a nest: which axis runs innermost, which axes run as one, and where each access points.
 *
 * In: the axes of a space and every access in it. Out: an ordered list of loops (adjacent axes merged where no access can tell), whether four
 * elements go at a time, and address patterns: accesses whose strides agree share one address and differ by a constant.
 */
import type { AxisName, AxisSize } from "../../ir/tensor/node.ts";
import { isTimed } from "../../ir/tensor/sizes.ts";
import type { Access } from "./access.ts";

/** What a count grows with: nothing, the steps of `t` (or groups of steps) in hand (`n`), or all steps (`T`, for a second time axis). */
export type Timed = false | "n" | "T";

/** A number of iterations: factor, factor · n or factor · T. */
export interface Count {
  readonly factor: number;
  readonly timed: Timed;
}

/** What the size of an axis grows with. */
export function timedOf(axis: AxisName, size: AxisSize): Timed {
  if (size === "T") return axis === "t" ? "n" : "T";
  return isTimed(size) ? "n" : false;
}

export interface Loop {
  /** Merged axes, outermost first; the innermost one's strides hold for the whole loop. */
  readonly axes: readonly AxisName[];
  readonly count: Count;
}

/** What a loop order is chosen for: the strides of one access. */
export interface Strided {
  readonly strides: ReadonlyMap<AxisName, number>;
  /** Counts more when choosing the innermost axis (stores). */
  readonly weight: number;
  /** True if its elements cannot be read four at a time whatever the stride (a lookup along the innermost axis). */
  readonly scalarAlong?: ReadonlySet<AxisName>;
}

export interface LoopPlan {
  readonly loops: readonly Loop[];
  /** Elements per iteration of the innermost loop. */
  readonly width: 1 | 4;
}

function stride(of: Strided, axis: AxisName): number {
  return of.strides.get(axis) ?? 0;
}

function counted({ name, size }: { name: AxisName; size: AxisSize }): Count {
  return isTimed(size) ? { factor: 1, timed: timedOf(name, size) } : { factor: size, timed: false };
}

const isOuter = (axis: AxisName): boolean => axis === "t" || axis === "b";

function widthAlong(axis: AxisName, accesses: readonly Strided[]): 1 | 4 {
  return accesses.every((access) => stride(access, axis) <= 1 && !access.scalarAlong?.has(axis)) ? 4 : 1;
}

/** Orders the axes by the strides of the access that has most of them, and the axis that most accesses find contiguous innermost. */
function order(axes: readonly { name: AxisName; size: AxisSize }[], accesses: readonly Strided[]): { name: AxisName; size: AxisSize }[] {
  if (axes.length < 2) return [...axes];
  // Time and batch run innermost only if there is nothing else: the order in which a sum is taken must not depend on the size of a batch.
  const last = axes.some((axis) => !isOuter(axis.name)) ? -10_000 : 0;
  const score = (axis: { name: AxisName; size: AxisSize }): number => {
    let total = isOuter(axis.name) ? last : 0;
    for (const access of accesses) {
      const s = stride(access, axis.name);
      if (s === 1) total += access.weight;
      else if (s > 1) total -= access.weight;
    }
    if (widthAlong(axis.name, accesses) === 1) total -= 1000;
    return axis.size === 1 ? total - 100 : total;
  };
  const innermost = axes.reduce((best, axis) => (score(axis) >= score(best) ? axis : best));
  const main = accesses.reduce((best, access) => (access.strides.size > best.strides.size ? access : best), accesses[0]);
  const rest = axes.filter((axis) => axis !== innermost);
  const rank = (axis: { name: AxisName }): number => stride(main, axis.name);
  rest.sort((p, q) => (rank(q) > rank(p) ? 1 : rank(q) < rank(p) ? -1 : 0));
  return [...rest, innermost];
}

/** Plans the loops over a space. `separate` names groups of axes that must not merge with others (what a reduction sums, what threads divide). */
export function planLoops(
  axes: readonly { readonly name: AxisName; readonly size: AxisSize }[],
  accesses: readonly Strided[],
  separate: readonly ReadonlySet<AxisName>[],
): LoopPlan {
  const ordered = order(axes, accesses).filter((axis, i, all) => axis.size !== 1 || i === all.length - 1);
  const loops: Loop[] = [];
  for (let i = ordered.length - 1; i >= 0; i--) {
    const axis = ordered[i];
    const inner = loops[0];
    const mergeable =
      inner !== undefined &&
      !inner.count.timed &&
      (!isTimed(axis.size) || inner.count.factor % 4 === 0) &&
      accesses.every((access) => stride(access, axis.name) === stride(access, inner.axes[inner.axes.length - 1]) * inner.count.factor) &&
      accesses.every((access) => !access.scalarAlong) &&
      separate.every((group) => group.has(axis.name) === group.has(inner.axes[0]));
    if (mergeable) {
      const count: Count = isTimed(axis.size)
        ? { factor: inner.count.factor, timed: timedOf(axis.name, axis.size) }
        : { factor: inner.count.factor * axis.size, timed: false };
      loops[0] = { axes: [axis.name, ...inner.axes], count };
    } else loops.unshift({ axes: [axis.name], count: counted(axis) });
  }
  const innermost = loops[loops.length - 1];
  const width = innermost === undefined ? 1 : widthAlong(innermost.axes[innermost.axes.length - 1], accesses);
  return { loops, width };
}

/** The stride of an access per iteration of a loop. */
export function loopStride(access: { readonly strides: ReadonlyMap<AxisName, number> }, loop: Loop): number {
  return access.strides.get(loop.axes[loop.axes.length - 1]) ?? 0;
}

/** Accesses with the same key share an address local: equal strides over the loops, over bound time, and per length. */
export function patternKey(access: Access, loops: readonly Loop[], bound: boolean): string {
  const strides = loops.map((loop) => loopStride(access, loop));
  return `${strides.join(",")}|${bound ? (access.strides.get("t") ?? 0) : 0}|${access.perLength}`;
}
