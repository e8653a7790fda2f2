/**
 * Finds where a run broke: the first named value that is not finite, in order of time and of evaluation.
 *
 * In: the batch, parameters, states and seed of the step that failed. Out: a sentence with equation, time, sequence and unit. Runs the step once more with
 * every named value recorded, on the same device, so that it sees the same overflow.
 */
import type { Network, ValueDeclaration } from "../ir/network/node.ts";
import type { Variant } from "../ir/network/variant.ts";
import type { Buffer } from "../ir/program/node.ts";
import { type DeviceOptions, openExecutable } from "../model/compile-once.ts";
import { createFeed } from "../model/feed.ts";
import type { ParameterSlot } from "../model/parameters.ts";
import { shapeFor } from "../model/run.ts";
import { positionAt, type Source } from "../support/source.ts";
import type { Batch } from "./data/dataset.ts";

export interface BrokenStep {
  readonly network: Network;
  readonly source: Source;
  readonly slots: readonly ParameterSlot[];
  readonly device: DeviceOptions;
  readonly variant: Variant;
  readonly batch: Batch;
  readonly seed: number;
  readonly parameters: Float32Array;
  readonly states: Readonly<Record<string, Float32Array>>;
  /** Gradients of the step, if the loss was finite. */
  readonly gradients?: Float32Array;
}

interface Found {
  readonly value: ValueDeclaration;
  readonly number: number;
  readonly time: number;
  readonly sequence: number;
  readonly unit: readonly number[];
}

/** One sentence that says what became NaN or infinite first, and where. */
export function describeNonFinite(broken: BrokenStep): string {
  const read = inputText(broken);
  if (read !== undefined) return read;
  const found = broken.gradients === undefined ? firstValue(broken) : undefined;
  if (found !== undefined) return valueText(broken, found);
  return gradientText(broken) ?? "no single value shows it: a sum over the batch became too large for float32";
}

function inputText({ batch }: BrokenStep): string | undefined {
  for (const [name, values] of Object.entries(batch.inputs)) {
    for (let i = 0; i < values.length; i++) {
      if (Number.isFinite(values[i])) continue;
      const row = Math.floor(i / (values.length / Math.max(1, rowsOf(values, batch))));
      return `the data of this step hold ${values[i]} in ${name}, at time step ${Math.floor(row / batch.batch)}, sequence ${row % batch.batch}`;
    }
  }
  return undefined;
}

/** Rows (time steps × sequences) of an input; steps past the end of the batch are look-ahead. */
function rowsOf(values: ArrayLike<number>, { steps, batch }: Batch): number {
  for (let more = 0; more < 8; more++) if (values.length % ((steps + more) * batch) === 0) return (steps + more) * batch;
  return steps * batch;
}

function firstValue({ network, slots, device, variant, batch, seed, parameters, states }: BrokenStep): Found | undefined {
  const values = network.values.filter((value) => value.type === "real" && value.name !== network.loss);
  if (network.loss !== undefined) values.push(...network.values.filter((value) => value.name === network.loss));
  const outputs = values.map((value) => (value.name === network.loss ? "loss_steps" : value.name));
  const { gradient: _, ...forward } = variant;
  const plan = { entry: "record", variant: { ...forward, outputs: [...new Set(outputs)] } };
  const executable = openExecutable(network, [plan], slots, { capacity: batch.steps, batch: batch.batch }, device);
  executable.buffers.get("parameters")?.set(parameters);
  for (const [name, values] of Object.entries(states)) executable.buffers.get(`state:${name}`)?.set(values);
  executable.buffers.get("seed")?.fill(seed);
  createFeed(executable, network).load(batch);
  executable.run("prepare", 0);
  executable.run("record", batch.steps);
  let first: Found | undefined;
  for (const [k, value] of values.entries()) {
    const buffer = executable.shapes.get(outputs[k]);
    if (buffer === undefined) continue;
    const found = firstIn(value, buffer, executable.buffers.get(outputs[k])!, batch.steps);
    if (found !== undefined && (first === undefined || found.time < first.time)) first = found;
  }
  return first;
}

// Time is outermost, so the first in memory is the earliest.
function firstIn(value: ValueDeclaration, buffer: Buffer, data: ArrayLike<number>, steps: number): Found | undefined {
  const shape = shapeFor(buffer, steps);
  const length = shape.reduce((a, b) => a * b, 1);
  for (let i = 0; i < length; i++) {
    if (Number.isFinite(data[i])) continue;
    const place = unravel(i, shape);
    const at = (axis: string): number => Math.max(0, place[buffer.axes.indexOf(axis)] ?? 0);
    const unit = place.filter((_, k) => buffer.axes[k] !== "t" && buffer.axes[k] !== "b");
    return { value, number: data[i], time: at("t"), sequence: at("b"), unit };
  }
  return undefined;
}

function unravel(index: number, shape: readonly number[]): number[] {
  const place: number[] = [];
  let rest = index;
  for (let k = shape.length - 1; k >= 0; k--) {
    place.unshift(rest % shape[k]);
    rest = Math.floor(rest / shape[k]);
  }
  return place;
}

function valueText({ source }: BrokenStep, { value, number, time, sequence, unit }: Found): string {
  const line = positionAt(source.text, value.span.start).line;
  const place = [`time step ${time}`, `sequence ${sequence}`, ...(unit.length > 0 ? [`unit ${unit.join(", ")}`] : [])].join(", ");
  return `${value.name} is ${number} at ${place}, from  ${value.equation}  (line ${line})`;
}

function gradientText({ network, source, slots, gradients }: BrokenStep): string | undefined {
  if (gradients === undefined) return undefined;
  for (const { name, offset, length, shape } of slots) {
    for (let i = 0; i < length; i++) {
      const number = gradients[offset + i];
      if (Number.isFinite(number)) continue;
      const equation = network.values.find((value) => value.equation.includes(name));
      const where = equation === undefined ? "" : `, a weight of  ${equation.equation}  (line ${positionAt(source.text, equation.span.start).line})`;
      return `the gradient of ${name} is ${number} at ${shape.length === 0 ? "its only number" : `[${unravel(i, shape).join(", ")}]`}${where}`;
    }
  }
  return "the gradient is finite, but its norm is too large for float32";
}
