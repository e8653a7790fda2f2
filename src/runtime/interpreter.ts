/**
 * The interpreter as a device: the same buffers and entries as a compiled program, computed in float64 by the definition of the tensor language.
 *
 * In: units. Out: an Executable whose buffers hold float32 (results are rounded once, when they are stored; a carried state keeps its float64 digits as long
 * as nobody writes into its buffer). Slow on purpose; it judges kernels.
 */
import type { CompileOptions, Unit } from "../compile.ts";
import type { Buffer, BufferRole, Program } from "../ir/program/node.ts";
import { interpret } from "../ir/tensor/interpret.ts";
import type { ElementType, Graph, Node } from "../ir/tensor/node.ts";
import { invariant } from "../support/invariant.ts";
import type { Executable } from "./executable.ts";

const assignPrefix = "assign:";
const gradientPrefix = "gradient:";
const statePrefix = "state:";

/** Makes an executable of units without compiling them. */
export function interpretUnits(units: readonly Unit[], { capacity, batch, weights }: CompileOptions): Executable {
  const buffers = new Map<string, Float32Array | Int32Array>();
  const shapes = new Map<string, Buffer>();

  function add(name: string, role: BufferRole, type: ElementType, axes: readonly string[], graph: Graph): void {
    const shape = axes.map((axis) => {
      const size = graph.axes.get(axis)!;
      invariant(typeof size === "number" || size === "T", `${name} has groups of time steps`);
      return size;
    });
    const length = shape.reduce<number>((product, size) => product * (size === "T" ? capacity : size), 1);
    if (buffers.has(name)) return;
    buffers.set(name, type === "real" ? new Float32Array(length) : new Int32Array(length));
    shapes.set(name, bufferOf(name, role, type, axes, shape, length));
  }

  let parameterCount = 0;
  const lengths = weights.map(({ shape }) => shape.reduce((a, b) => a * b, 1));
  for (const length of lengths) parameterCount += length;
  const parameters = new Float32Array(parameterCount);
  const gradients = new Float32Array(parameterCount);
  const flat = (name: string, role: BufferRole): Buffer => bufferOf(name, role, "real", ["P"], [parameterCount], parameterCount);
  buffers.set("parameters", parameters).set("gradients", gradients);
  shapes.set("parameters", flat("parameters", "parameters")).set("gradients", flat("gradients", "gradients"));
  let offset = 0;
  for (const [k, { name, shape }] of weights.entries()) {
    const axes = shape.map((_, i) => `axis${i}`);
    const end = offset + lengths[k];
    buffers.set(name, parameters.subarray(offset, end)).set(gradientPrefix + name, gradients.subarray(offset, end));
    shapes.set(name, bufferOf(name, "weight", "real", axes, shape, lengths[k]));
    shapes.set(gradientPrefix + name, bufferOf(gradientPrefix + name, "gradient", "real", axes, shape, lengths[k]));
    offset = end;
  }

  for (const { graph } of units) {
    for (const node of leaves(graph)) if (node.op === "input") add(node.attributes.name!, inputRole(node), node.type, node.axes, graph);
    for (const { name, node } of graph.outputs) {
      const { type, axes } = graph.nodes[node];
      const target = name.startsWith(assignPrefix) ? name.slice(assignPrefix.length) : name;
      add(target, outputRole(target, axes), type, axes, graph);
    }
  }

  // What the interpreter last stored in a state's buffer, before rounding.
  const exact = new Map<string, Float64Array>();

  const program: Program = {
    wasm: new Uint8Array(0),
    memoryBytes: 0,
    capacity,
    batch,
    threads: 1,
    buffers: [...shapes.values()],
    entries: ["prepare", ...units.map(({ entry }) => entry)].map((name) => ({ name, steps: [] })),
    parameterCount,
  };
  return { device: "interpreter", program, buffers, shapes, run: (entry, steps) => runUnit(entry, steps) };

  function stateOf(name: string, view: Float32Array | Int32Array): ArrayLike<number> {
    const kept = exact.get(name);
    return kept === undefined ? view : Float64Array.from(view, (value, i) => (Math.fround(kept[i]) === value ? kept[i] : value));
  }

  function runUnit(entry: string, steps: number): void {
    if (entry === "prepare") return; // nothing is kept between runs
    const unit = units.find((each) => each.entry === entry);
    invariant(unit !== undefined, `no entry ${entry}`);
    invariant(steps >= 0 && steps <= capacity, `${steps} steps in a program for ${capacity}`);
    const { graph } = unit;
    const lengthOf = (axes: readonly string[]): number =>
      axes.reduce((product, axis) => product * (graph.axes.get(axis) === "T" ? steps : (graph.axes.get(axis) as number)), 1);
    const bindings: Record<string, ArrayLike<number>> = {};
    for (const node of leaves(graph)) {
      const name = node.attributes.name!;
      const view = buffers.get(name)!.subarray(0, lengthOf(node.axes));
      bindings[name] = name.startsWith(statePrefix) ? stateOf(name, view) : view;
    }
    const results = interpret(graph, bindings, { T: steps });
    for (const { name } of graph.outputs) {
      buffers.get(name.startsWith(assignPrefix) ? name.slice(assignPrefix.length) : name)!.set(results[name]);
      if (name.startsWith(statePrefix)) exact.set(name, results[name]);
    }
  }
}

/** Inputs and weights of a graph; scan bodies have none of their own. */
function leaves(graph: Graph): readonly Node[] {
  return graph.nodes.filter((node) => node.op === "input" || node.op === "weight");
}

function inputRole(node: Node): BufferRole {
  const name = node.attributes.name!;
  if (name.startsWith(statePrefix)) return "state";
  if (name.startsWith("optimizer:")) return "optimizer";
  return node.axes.length === 0 ? "scalar" : "input";
}

function outputRole(name: string, axes: readonly string[]): BufferRole {
  if (name.startsWith(statePrefix)) return "state";
  if (name.startsWith(gradientPrefix)) return "input_gradient";
  return axes.length === 0 ? "scalar" : "output";
}

function bufferOf(
  name: string,
  role: BufferRole,
  type: ElementType,
  axes: readonly string[],
  shape: readonly (number | "T")[],
  length: number,
): Buffer {
  return {
    name,
    role,
    type: type === "real" ? "f32" : "i32",
    offsetBytes: 0,
    axes,
    shape,
    sizeBytes: length * 4,
    live: [-1, Number.POSITIVE_INFINITY],
  };
}
