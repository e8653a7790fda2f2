/**
 * Convolution over the space axes of a map, as products over shifted views.
 *
 * In: a kernel [taps…, O, C] (or [taps…, C] if every channel keeps to itself) and a map [C, Y, X]. Out: the map [O, Y′, X′] with
 * y[o, i, j] = Σ over taps and channels of W[p, q, o, c]·x[c, stride·i - padding + dilation·p, stride·j - padding + dilation·q], 0 outside of x.
 * Each tap is one product of a matrix with a slice of the padded map; nothing is copied for it.
 */
import { invariant } from "../../support/invariant.ts";
import type { SpaceTaps } from "../../ir/network/equation.ts";
import type { AxisName } from "../../ir/tensor/node.ts";
import type { NodeId } from "../../ir/tensor/build.ts";
import { elementwise, type Frame, product, type Value, withDims } from "./build-frame.ts";

/** `into`: axes of the result's space. */
export function convolveSpace(
  frame: Frame,
  kernel: Value,
  map: Value,
  space: readonly SpaceTaps[],
  depthwise: boolean,
  into: readonly AxisName[],
): Value {
  const { b } = frame;
  const [channels] = map.dims;
  // Names of the results' axes must not meet those of the map, of which they may be the same.
  const taken = [...b.axesOf(map.node), ...b.axesOf(kernel.node)];
  const results = into.map((axis) => {
    const free = b.otherAxis(axis, taken);
    taken.push(free);
    return free;
  });
  let padded = map.node;
  const wide = space.map((axis, k) => {
    const [node, name] = widened(frame, padded, map.dims[k + 1], axis, b.size(into[k]) as number, taken);
    padded = node;
    return name;
  });
  let sum: Value | undefined;
  for (const places of combinations(space.map((axis) => axis.count))) {
    let view = padded;
    let weights = kernel.node;
    for (const [k, place] of places.entries()) {
      view = strided(frame, view, wide[k], results[k], space[k], place, taken);
      weights = b.pick(weights, kernel.dims[k], place);
    }
    const x: Value = { node: view, dims: [channels, ...results] };
    const tap: Value = { node: weights, dims: kernel.dims.slice(space.length) };
    const part = depthwise ? elementwise(frame, "mul", x, withDims(frame, tap, [channels])) : product(frame, tap, x);
    sum = sum ? elementwise(frame, "add", sum, part) : part;
  }
  invariant(sum, "a kernel has at least one tap");
  return sum;
}

/** The map with zeros around one of its axes, just long enough for every tap. */
function widened(
  frame: Frame,
  node: NodeId,
  axis: AxisName,
  { count, dilation, stride, padding: [padding] }: SpaceTaps,
  results: number,
  taken: AxisName[],
): readonly [NodeId, AxisName] {
  const { b } = frame;
  const length = dilation * (count - 1) + stride * results;
  const named = (size: number): AxisName => {
    const name = b.otherAxis(frame.sizes.ofLength(size), taken);
    taken.push(name);
    return name;
  };
  const inside = Math.min(b.size(axis) as number, length - padding);
  let body = node;
  let from = axis;
  if (inside < (b.size(axis) as number)) {
    from = named(inside);
    body = b.slice(node, axis, from, 0);
  }
  if (inside === length) return [body, from];
  const to = named(length);
  return [b.pad(body, from, to, padding), to];
}

/** Every stride-th position from a tap's first one on. */
function strided(
  frame: Frame,
  node: NodeId,
  axis: AxisName,
  to: AxisName,
  { dilation, stride }: SpaceTaps,
  place: number,
  taken: AxisName[],
): NodeId {
  const { b } = frame;
  if (stride === 1) return b.slice(node, axis, to, dilation * place);
  const run = b.otherAxis(frame.sizes.ofLength((b.size(to) as number) * stride), taken);
  const step = b.otherAxis(frame.sizes.ofLength(stride), [...taken, run]);
  return b.pick(b.split(b.slice(node, axis, run, dilation * place), run, [to, step]), step, 0);
}

function combinations(counts: readonly number[]): readonly (readonly number[])[] {
  return counts.reduce<readonly (readonly number[])[]>(
    (all, count) => all.flatMap((places) => Array.from({ length: count }, (_, place) => [...places, place])),
    [[]],
  );
}
