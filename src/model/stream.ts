/**
 * A stream: an explicit handle that carries the states from step to step. Steps pushed one by one, in chunks or all at once give the same bits.
 *
 * In: one or more time steps. Out: the values of those steps. Refuses values that need the future, with the reason.
 */
import { SluiceError } from "../support/diagnostic.ts";
import { checkOptions, isNamed, kindOf, type OptionNames } from "../support/options.ts";
import type { ArrayInput } from "./arrays.ts";
import { type ReadInputs, readInputs } from "./input.ts";
import type { RunInputs, RunResult } from "./model.ts";
import { checkNames, loadParameters, type RunNetwork, type RunningModel, shapeFor } from "./run.ts";
import type { Ready, Request } from "./specialize.ts";
import { sizeValue } from "./sizes.ts";
import { beginStates, type StateSlot, stateSlots, writeStates } from "./states.ts";

export interface StreamOptions {
  /** Number of independent sequences that advance together; results have a batch axis only if it is given. */
  readonly batch?: number;
  /** Values wanted; the network's outputs unless given. */
  readonly outputs?: readonly string[];
  /** States before the first step. */
  readonly initial?: Readonly<Record<string, ArrayInput>>;
}

/** Copy of everything a stream carries. */
export interface StreamState {
  readonly position: number;
  readonly states: Readonly<Record<string, Float32Array>>;
}

export type StepInput = number | ArrayLike<number>;

export interface Stream {
  readonly batch: number;
  /** Steps taken since the last reset. */
  readonly position: number;
  /** Live views of the outputs of the first step pushed last, [B, …]; valid until the next push. */
  readonly outputs: Readonly<Record<string, Float32Array>>;
  /** One step; inputs by name where the network has several. Returns the live view of the first output, [B, …], which the next step overwrites. Allocates nothing. */
  step(inputs: StepInput | Readonly<Record<string, StepInput>>): Float32Array;
  /** One or more steps; results are copies. */
  push(inputs: RunInputs): RunResult;
  state(): StreamState;
  restore(state: StreamState): void;
  reset(): void;
}

/** Most steps computed at once. */
const longestChunk = 1024;

const STREAM_OPTIONS: OptionNames<StreamOptions> = { batch: true, outputs: true, initial: true };

/** @throws SluiceError E460 if a wanted value needs the future, E458 for an unknown one, E462 for options */
export function createStream(model: RunningModel, options: StreamOptions = {}): Stream {
  checkOptions("stream", options, STREAM_OPTIONS);
  const { network } = model;
  const batch = options.batch ?? 1;
  const single = options.batch === undefined;
  if (!Number.isInteger(batch) || batch < 1)
    throw new SluiceError("E455", `the batch of a stream must be a whole number of at least 1, not ${batch}`);
  const names = options.outputs ?? network.outputs;
  checkNames(network, names);
  const request: Request = { batch, mode: "evaluate", initial: "carried", lengths: false, reset: false, outputs: names };
  const refusal = model.specializer.streamRefusal(request);
  if (refusal !== undefined)
    throw new SluiceError("E460", `${names.join(", ")} cannot be computed in a stream: ${refusal}; run whole sequences instead`);

  let lane = openLane(model, model.specializer.own(request, 1), names);
  let position = 0;

  function reset(): void {
    const written = options.initial === undefined ? undefined : writeStates(lane.states, batch, options.initial);
    beginStates(network, lane.states, batch, model, written);
    position = 0;
  }

  function widen(steps: number): void {
    if (lane.ready.executable.program.capacity >= steps) return;
    const wider = openLane(model, model.specializer.own(request, steps), names);
    for (const [k, state] of lane.states.entries()) wider.states[k].view.set(state.view);
    lane = wider;
  }

  function step(inputs: StepInput | Readonly<Record<string, StepInput>>): Float32Array {
    loadParameters(model, lane.ready);
    const { slots } = lane;
    if (typeof inputs === "number" || (typeof inputs === "object" && inputs !== null && "length" in inputs)) {
      if (slots.length !== 1)
        throw new SluiceError(
          "E456",
          `this stream reads ${slots.map((slot) => slot.name).join(", ") || "no input"}; give the inputs of a step by name`,
        );
      writeStep(slots[0], inputs as StepInput);
    } else if (isNamed(inputs)) {
      for (const slot of slots) writeStep(slot, inputs[slot.name] as StepInput | undefined);
    } else {
      const names = slots.map(({ name }) => `${name}: …`).join(", ");
      throw new SluiceError("E456", `a step needs its inputs, step({ ${names} }), not ${kindOf(inputs)}`);
    }
    lane.ready.executable.run("forward", 1);
    position++;
    return lane.first;
  }

  function push(inputs: RunInputs): RunResult {
    const read = readInputs(network, model.sizes, inputs, names, single ? {} : { batch });
    if (read.batch !== batch) throw new SluiceError("E455", `this stream advances ${batch} sequences, but ${read.batch} were given`);
    for (const { name } of lane.slots) if (read.inputs[name] === undefined) throw new SluiceError("E456", `the input ${name} is missing in a push`);
    widen(Math.min(read.steps, longestChunk));
    loadParameters(model, lane.ready);
    const results = advance(network, lane.ready, names, read, single);
    position += read.steps;
    return results;
  }

  reset();
  return {
    batch,
    get position() {
      return position;
    },
    get outputs() {
      return lane.outputs;
    },
    step,
    push,
    reset,
    state: () => ({ position, states: Object.fromEntries(lane.states.map(({ name, view }) => [name, view.slice()])) }),
    restore(state) {
      if (!isNamed(state) || !isNamed(state.states))
        throw new SluiceError("E461", "the saved state of a stream is what `state()` gave, { position, states }; give that");
      for (const { name, view } of lane.states) {
        const saved = state.states[name];
        if (saved?.length !== view.length || !Array.from(saved).every(Number.isFinite))
          throw new SluiceError(
            "E461",
            `the saved state of a stream does not fit: ${name} needs ${view.length} finite numbers, it has ${saved?.length ?? "none"}`,
          );
      }
      for (const { name, view } of lane.states) view.set(state.states[name]);
      position = state.position;
    },
  };
}

interface InputSlot {
  readonly name: string;
  readonly view: Float32Array | Int32Array;
  readonly length: number;
  /** Number of values of an index input; undefined for real numbers. */
  readonly range?: number;
}

interface Lane {
  readonly ready: Ready;
  readonly states: readonly StateSlot[];
  readonly slots: readonly InputSlot[];
  readonly outputs: Readonly<Record<string, Float32Array>>;
  readonly first: Float32Array;
}

function openLane({ network, sizes }: Pick<RunningModel, "network" | "sizes">, ready: Ready, names: readonly string[]): Lane {
  const { executable, feed } = ready;
  const stepView = (name: string): Float32Array => {
    const length = shapeFor(executable.shapes.get(name)!, 1).reduce((a, b) => a * b, 1);
    return executable.buffers.get(name)!.subarray(0, length) as Float32Array;
  };
  const slots = feed.names.map((name): InputSlot => {
    const view = stepView(name) as Float32Array | Int32Array;
    const range = network.inputs.find((input) => input.name === name)?.range;
    const values = range === undefined ? undefined : sizeValue(range, sizes);
    return { name, view, length: view.length, ...(view instanceof Int32Array ? { range: values ?? Infinity } : {}) };
  });
  const outputs = Object.fromEntries(names.map((name) => [name, stepView(name)]));
  return { ready, states: stateSlots(executable), slots, outputs, first: outputs[names[0]] };
}

function writeStep(slot: InputSlot, value: StepInput | undefined): void {
  const { view, length, range } = slot;
  if (value === undefined) throw new SluiceError("E456", `the input ${slot.name} is missing in a step`);
  if (typeof value === "number") {
    if (length !== 1) throw new SluiceError("E455", `the input ${slot.name} needs ${length} numbers for a step, not one`);
    checkStep(slot, value, 0);
    view[0] = value;
    return;
  }
  if (value === null || value.length !== length)
    throw new SluiceError("E455", `the input ${slot.name} needs ${length} numbers for a step, but ${value?.length ?? kindOf(value)} were given`);
  let trace = 0;
  for (let i = 0; i < length; i++) {
    const number = value[i];
    if (range !== undefined || typeof number !== "number") checkStep(slot, number, i);
    trace += number * 0; // NaN as soon as one number is not finite
    view[i] = number;
  }
  if (trace !== 0) for (let i = 0; i < length; i++) checkStep(slot, value[i], i);
}

function checkStep({ name, range }: InputSlot, value: number, place: number): void {
  if (range === undefined ? Number.isFinite(value) : Number.isInteger(value) && value >= 0 && value < range) return;
  const wanted = range === undefined ? "a finite number" : range === Infinity ? "a whole number ≥ 0" : `a whole number from 0 to ${range - 1}`;
  throw new SluiceError("E457", `the input ${name}[${place}] is ${kindOf(value)}; it must be ${wanted}`);
}

/** Runs a program that carries its states over all rows, as many at once as it has room for. Results are copies. */
export function advance(network: RunNetwork, ready: Ready, names: readonly string[], read: ReadInputs, single: boolean): RunResult {
  const { executable, feed } = ready;
  const results = collector(ready, names, read, single);
  const most = executable.program.capacity;
  for (let start = 0; start < read.steps; start += most) {
    const steps = Math.min(most, read.steps - start);
    feed.load({ steps, batch: read.batch, inputs: rowsOf(network, read, start, steps) });
    executable.run("forward", steps);
    results.take(start, steps);
  }
  return results.done();
}

/** Rows start … start + steps of every input over time. */
function rowsOf(network: RunNetwork, read: ReadInputs, start: number, steps: number): Record<string, Float32Array | Int32Array> {
  const rows: Record<string, Float32Array | Int32Array> = {};
  for (const { name, perStep } of network.inputs) {
    const values = read.inputs[name];
    if (values === undefined) continue;
    const row = values.length / read.steps;
    rows[name] = perStep ? values.subarray(start * row, (start + steps) * row) : values;
  }
  return rows;
}

function collector({ executable }: Ready, names: readonly string[], { steps: total }: ReadInputs, single: boolean) {
  const parts = names.map((name) => {
    const buffer = executable.shapes.get(name)!;
    const full = shapeFor(buffer, total);
    const shape = single ? full.filter((_, i) => buffer.axes[i] !== "b") : full;
    const length = full.reduce((a, b) => a * b, 1);
    const row = buffer.shape[0] === "T" ? length / total : 0;
    return { name, shape, row, length, view: executable.buffers.get(name) as Float32Array, data: new Float32Array(length) };
  });
  return {
    take(start: number, steps: number): void {
      for (const { row, length, view, data } of parts) {
        if (row === 0) data.set(view.subarray(0, length));
        else data.set(view.subarray(0, steps * row), start * row);
      }
    },
    done: (): RunResult => Object.fromEntries(parts.map(({ name, data, shape }) => [name, { data, shape }])),
  };
}
