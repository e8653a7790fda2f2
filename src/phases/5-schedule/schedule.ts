/**
 * Phase 5: tensor graphs → loops over one arena.
 *
 * In: the units of a program (one graph per entry) and the order of its weights. Out: a loop module, the plan of its buffers, and its entries.
 * What depends on weights alone runs in the entry "prepare", to be called when they change. Never looks at what a graph is for.
 */
import type { LoopModule } from "../../ir/loop/node.ts";
import type { Buffer, Entry } from "../../ir/program/node.ts";
import type { Graph } from "../../ir/tensor/node.ts";
import { placesOf } from "../../ir/tensor/sizes.ts";
import type { Access } from "./access.ts";
import { lowerEntry, type Lowered } from "./lower.ts";
import { planMemory, type Reserved } from "./memory.ts";
import { Places, type WeightSlot } from "./places.ts";
import { Planner } from "./plan.ts";
import type { Step } from "./step.ts";

export interface ScheduledUnit {
  readonly entry: string;
  readonly graph: Graph;
}

export interface Schedule {
  readonly loops: LoopModule;
  readonly buffers: readonly Buffer[];
  readonly entries: readonly Entry[];
  /** Memory that no value uses. */
  readonly reserved: Reserved;
  readonly memoryBytes: number;
  readonly parameterCount: number;
}

export interface ScheduleOptions {
  readonly capacity: number;
  readonly weights: readonly WeightSlot[];
  /** Threads that a run may be divided among; 1: the program has no barriers. */
  readonly threads?: number;
  /** Rows of a product's tile: 4, or 6 where the engine keeps twelve sums in registers. */
  readonly tileRows?: number;
  /** Two vectors at a time wherever a program may: panels of 16 columns, passes over eight elements. */
  readonly wide?: boolean;
  /** Bytes of memory to leave free for the emitter. */
  readonly reservedBytes?: number;
  /** Exports every step's function too, so that each can be timed. */
  readonly profile?: boolean;
}

export function schedule(units: readonly ScheduledUnit[], options: ScheduleOptions): Schedule {
  const places = new Places(options.capacity, options.weights, options.threads, options.tileRows, options.wide);
  const planned = units.map(({ entry, graph }) => ({ entry, steps: planUnit(graph, places) }));
  const { addresses, reserved, sizeBytes } = planMemory(places.all, options.reservedBytes ?? 0);
  const batch = units.map(({ graph }) => graph.axes.get("b")).find((size) => typeof size === "number") as number | undefined;
  const into: Lowered = {
    functions: [],
    tiles: new Map(),
    threads: options.threads ?? 1,
    batch: batch ?? 1,
    wide: places.wide,
    names: options.profile ? new Map() : undefined,
  };
  const entries: Entry[] = [];
  for (const { entry, steps } of [{ entry: "prepare", steps: places.prepare as readonly Step[] }, ...planned]) {
    entries.push({ name: entry, steps: lowerEntry(entry, steps, addresses, into) });
  }
  const loops: LoopModule = {
    functions: [...into.tiles.values(), ...into.functions],
    exports: [...entries.map((entry) => entry.name), ...(into.names?.values() ?? [])],
  };
  const buffers = places.all
    .filter((place) => addresses.has(place))
    .map(
      (place): Buffer => ({
        name: place.name,
        role: place.role,
        type: place.type,
        offsetBytes: addresses.get(place)!,
        axes: place.axes,
        shape: place.shape.map((size) => (size === "T" ? size : placesOf(size, places.capacity))),
        sizeBytes: 4 * place.elements,
        live: place.persistent ? [-1, Number.POSITIVE_INFINITY] : [place.live.from, place.live.to],
      }),
    );
  return {
    loops,
    buffers: [...buffers, ...weightBuffers(places, addresses)],
    entries,
    reserved,
    memoryBytes: sizeBytes,
    parameterCount: places.parameterCount,
  };
}

function planUnit(graph: Graph, places: Places): readonly Step[] {
  const planner = new Planner(graph, places);
  const want = planner.graph.outputs.map(({ name, node }) => {
    const { access, direct } = outputAccess(planner, name, node);
    return { node, access, direct };
  });
  planner.plan(want);
  return planner.steps;
}

/** Where an output lies, and whether its producer may write there at once. */
function outputAccess(planner: Planner, name: string, node: number): { access: Access; direct: boolean } {
  const { places, sizes, graph } = planner;
  const { axes, type } = graph.nodes[node];
  const [kind, rest] = split(name);
  if (kind === "gradient" && places.hasWeight(rest)) return { access: places.weight(rest, axes, sizes, "gradients"), direct: true };
  if (kind === "gradient") return { access: places.persistent(name, "input_gradient", axes, type, sizes), direct: true };
  if (kind === "state") return { access: places.persistent(name, "state", axes, type, sizes), direct: false };
  if (kind === "assign") {
    const access = places.isFlat(rest)
      ? places.whole(rest, axes, sizes)
      : places.persistent(rest, rest.startsWith("optimizer:") ? "optimizer" : "scalar", axes, type, sizes);
    return { access, direct: overwrites(planner, rest, node) };
  }
  return { access: places.persistent(name, axes.length === 0 ? "scalar" : "output", axes, type, sizes), direct: true };
}

function split(name: string): readonly [string, string] {
  const at = name.indexOf(":");
  return at < 0 ? ["", name] : [name.slice(0, at), name.slice(at + 1)];
}

/** True if everything that reads the input `name` has done so, element by element, by the time `node` is stored. */
function overwrites(planner: Planner, name: string, node: number): boolean {
  const { graph } = planner;
  const inputs = graph.nodes.flatMap((one, i) => (one.op === "input" && one.attributes.name === name ? [i] : []));
  return (
    inputs.every((input) => planner.consumers[input].every((user) => planner.groupOf(user) <= planner.groupOf(node))) && !planner.products.has(node)
  );
}

/** Weights and their gradients as parts of the flat arrays, by name. */
function weightBuffers(places: Places, addresses: ReadonlyMap<unknown, number>): Buffer[] {
  return (["parameters", "gradients"] as const).flatMap((array) => {
    const flat = places.all.find((place) => place.name === array);
    if (!flat || !addresses.has(flat)) return [];
    return places.weights.map(
      ({ name, shape }): Buffer => ({
        name: array === "parameters" ? name : `gradient:${name}`,
        role: array === "parameters" ? "weight" : "gradient",
        type: "f32",
        offsetBytes: addresses.get(flat)! + 4 * places.startOf(name),
        axes: shape.map((_, i) => `${i}`),
        shape,
        sizeBytes: 4 * shape.reduce((product, size) => product * size, 1),
        live: [-1, Number.POSITIVE_INFINITY],
      }),
    );
  });
}
