/**
 * The places of a program under construction: what persists (inputs, weights, gradients, outputs), and scratch with its life.
 *
 * All units of a program share one set of places; what persists is found by name, so the gradient that one entry writes is what the next one reads.
 */
import type { BufferRole } from "../../ir/program/node.ts";
import type { AxisName, AxisSize, ElementType } from "../../ir/tensor/node.ts";
import { invariant } from "../../support/invariant.ts";
import { denseAccess, elementBits, type Access, type Place, type Sizes } from "./access.ts";
import type { Step } from "./step.ts";

export interface WeightSlot {
  readonly name: string;
  readonly shape: readonly number[];
}

export class Places {
  readonly all: Place[] = [];
  readonly prepare: Step[] = [];
  readonly capacity: number;
  readonly weights: readonly WeightSlot[];
  /** Threads that a run may be divided among. */
  readonly threads: number;
  /** Rows of a product's tile: what the engine's registers hold. */
  readonly tileRows: number;
  /** Two vectors at a time. */
  readonly wide: boolean;
  readonly parameterCount: number;
  /** Next step number: places live between the numbers of their first and last use. */
  clock = 0;
  private readonly named = new Map<string, Place>();
  private readonly slots = new Map<string, { readonly start: number; readonly shape: readonly number[] }>();

  constructor(capacity: number, weights: readonly WeightSlot[], threads = 1, tileRows = 4, wide = false) {
    this.capacity = capacity;
    this.threads = threads;
    this.tileRows = tileRows;
    this.wide = wide;
    this.weights = weights;
    let start = 0;
    for (const { name, shape } of weights) {
      this.slots.set(name, { start, shape });
      start += shape.reduce((product, size) => product * size, 1);
    }
    this.parameterCount = start;
  }

  make(
    name: string,
    role: BufferRole,
    type: "f32" | "i32",
    axes: readonly AxisName[],
    shape: readonly AxisSize[],
    elements: number,
    persistent: boolean,
    strip = false,
  ): Place {
    const place: Place = {
      id: this.all.length,
      name,
      role,
      type,
      axes,
      shape,
      elements,
      persistent,
      strip,
      live: { from: Number.POSITIVE_INFINITY, to: Number.NEGATIVE_INFINITY },
    };
    this.all.push(place);
    return place;
  }

  /** Scratch for a value; `slots` more time steps than T if it is a sequence. */
  scratch(name: string, axes: readonly AxisName[], type: ElementType, sizes: Sizes, slots = 0, persistent = false): Access {
    const shape = axes.map((axis) => sizes.of(axis));
    const room = axes.reduce((product, axis, i) => product * (sizes.extent(axis) + (i === 0 && axis === "t" ? slots : 0)), 1);
    return denseAccess(this.make(name, "scratch", elementBits(type), axes, shape, room, persistent, sizes.strip && axes.includes("t")), axes, sizes);
  }

  /** Scratch of a number of elements without axes (panels, packed pieces). */
  block(name: string, elements: number, persistent: boolean): Place {
    return this.make(name, "scratch", "f32", [], [], elements, persistent);
  }

  /** What persists under a name: made at first use. */
  persistent(name: string, role: BufferRole, axes: readonly AxisName[], type: ElementType, sizes: Sizes): Access {
    const found = this.named.get(name);
    if (found) return denseAccess(found, axes, sizes);
    const shape = axes.map((axis) => sizes.of(axis));
    const elements = axes.reduce((product, axis) => product * sizes.extent(axis), 1);
    const place = this.make(name, role, elementBits(type), axes, shape, elements, true);
    this.named.set(name, place);
    return denseAccess(place, axes, sizes);
  }

  private flat(name: "parameters" | "gradients"): Place {
    const found = this.named.get(name);
    if (found) return found;
    const place = this.make(name, name, "f32", ["P"], [this.parameterCount], this.parameterCount, true);
    this.named.set(name, place);
    return place;
  }

  hasWeight(name: string): boolean {
    return this.slots.has(name);
  }

  /** A weight in the flat array of parameters, or its gradient in that of gradients. */
  weight(name: string, axes: readonly AxisName[], sizes: Sizes, array: "parameters" | "gradients" = "parameters"): Access {
    const slot = this.slots.get(name);
    invariant(slot, `weight ${name} has no slot in the parameters`);
    const size = axes.reduce((product, axis) => product * sizes.extent(axis), 1);
    invariant(
      size === slot.shape.reduce((product, n) => product * n, 1),
      `weight ${name} has ${size} elements in the graph, ${slot.shape} in its slot`,
    );
    return denseAccess(this.flat(array), axes, sizes, slot.start);
  }

  startOf(name: string): number {
    const slot = this.slots.get(name);
    invariant(slot, `weight ${name} has no slot in the parameters`);
    return slot.start;
  }

  /** The whole flat array as an input of a unit (the optimizer's). */
  whole(name: "parameters" | "gradients", axes: readonly AxisName[], sizes: Sizes): Access {
    return denseAccess(this.flat(name), axes, sizes);
  }

  isFlat(name: string): name is "parameters" | "gradients" {
    return name === "parameters" || name === "gradients";
  }
}
