/**
 * Runs whole sequences through a model. Pure: nothing that one run does is seen by the next.
 */
import type { Buffer } from "../ir/program/node.ts";
import type { Clamp } from "../ir/network/variant.ts";
import type { GateDeclaration, InputDeclaration, Network, StateDeclaration, ValueDeclaration } from "../ir/network/node.ts";
import { denseAxes, denseValues, type Executable } from "../runtime/executable.ts";
import { SluiceError } from "../support/diagnostic.ts";
import { checkOptions, isNamed, kindOf, type OptionNames, requireKind, requireNames } from "../support/options.ts";
import { flatten, isArray, type NamedArray } from "./arrays.ts";
import { type ReadInputs, readInputs, readLengths } from "./input.ts";
import type { Clamps, RunInputs, RunOptions, RunResult } from "./model.ts";
import type { ParameterSlot } from "./parameters.ts";
import type { Sizes } from "./sizes.ts";
import type { Programs, Ready, Request } from "./specialize.ts";
import { beginStates, stateSlots, writeStates } from "./states.ts";

/** What runs ask of a network: names and shapes. An exported model has these and no equations. */
export interface RunNetwork extends Pick<Network, "name" | "outputs" | "loss"> {
  readonly inputs: readonly Omit<InputDeclaration, "span" | "lookAhead">[];
  readonly values: readonly Pick<ValueDeclaration, "name">[];
  readonly states: readonly Pick<StateDeclaration, "name" | "initial">[];
  readonly gates: readonly Pick<GateDeclaration, "name" | "value">[];
  readonly equations?: Network["equations"];
  readonly initials?: Network["initials"];
}

/** What a run needs of its model. */
export interface RunningModel {
  readonly network: RunNetwork;
  readonly sizes: Sizes;
  readonly specializer: Programs;
  readonly parameters: Float32Array;
  readonly index: ReadonlyMap<string, Pick<ParameterSlot, "offset" | "length">>;
  readonly version: () => number;
}

const RUN_OPTIONS: OptionNames<RunOptions> = {
  lengths: true,
  batch: true,
  initial: true,
  outputs: true,
  record: true,
  clamps: true,
  reset: true,
};

/** @throws SluiceError E455–E458 (inputs, names), E461 (states), E462 (options) */
export function runModel(model: RunningModel, given: RunInputs, options: RunOptions = {}): RunResult {
  checkOptions("run", options, RUN_OPTIONS);
  const { network } = model;
  if (options.record !== true && options.record !== undefined) requireNames("record", options.record);
  const recorded = options.record === true ? network.values.map((value) => value.name) : (options.record ?? []);
  const wanted = options.outputs ?? network.outputs;
  checkNames(network, wanted);
  checkNames(network, recorded);
  const names = [...new Set([...wanted, ...recorded])];
  const read = readInputs(network, model.sizes, given, names, options);
  const lengths = options.lengths === undefined ? undefined : readLengths(options.lengths, read);
  const request: Request = {
    batch: read.batch,
    mode: "evaluate",
    initial: options.initial === undefined ? "fresh" : "carried",
    lengths: lengths !== undefined,
    reset: options.reset !== undefined,
    outputs: names,
    ...(options.clamps === undefined ? {} : { clamps: readClamps(network, options.clamps) }),
  };
  const specialized = model.specializer.forward(request, read.steps);
  const { executable, feed } = specialized;
  for (const name of feed.names) {
    if (read.inputs[name] === undefined)
      throw new SluiceError("E456", `the input ${name} is missing; ${names.join(", ")} cannot be computed without it`);
  }
  loadParameters(model, specialized);
  feed.load({ steps: read.steps, batch: read.batch, inputs: read.inputs, lengths, reset: readReset(options, read) });
  if (options.initial !== undefined) {
    const slots = stateSlots(executable);
    const written = writeStates(slots, read.batch, options.initial);
    beginStates(network, slots, read.batch, model, written);
  }
  writeClamps(executable, options.clamps);
  executable.run("forward", read.steps);
  return Object.fromEntries(names.map((name) => [name, takeResult(executable, name, read.steps, read.single)]));
}

/** Copies the model's numbers into a program if it holds older ones. */
export function loadParameters(model: Pick<RunningModel, "parameters" | "version">, ready: Ready): void {
  const version = model.version();
  if (ready.parametersVersion === version) return;
  const { executable } = ready;
  executable.buffers.get("parameters")?.set(model.parameters);
  executable.run("prepare", 0);
  ready.parametersVersion = version;
}

/** Copy of a result with its shape for this number of steps; without the batch axis if `single`. */
export function takeResult(executable: Executable, name: string, steps: number, single: boolean): NamedArray {
  const buffer = executable.shapes.get(name)!;
  const order = denseAxes(executable, buffer).filter((axis) => !single || buffer.axes[axis] !== "b");
  const full = shapeFor(buffer, steps);
  const shape = order.map((axis) => full[axis]);
  return { data: denseValues(executable, name, steps) as Float32Array, shape };
}

/** The shape of a buffer in a run of this many steps. */
export function shapeFor(buffer: Buffer, steps: number): number[] {
  return buffer.shape.map((size) => (size === "T" ? steps : size));
}

/** @throws SluiceError E458 for a name that is no value of the network, E462 for what is no list of names */
export function checkNames(network: RunNetwork, names: readonly string[]): void {
  requireNames("the values wanted", names);
  const known = new Set([...network.values.map((value) => value.name), ...network.gates.map((gate) => gate.value)]);
  for (const name of names) {
    if (known.has(name) || known.has(name.replace(/\[T\]$/, ""))) continue;
    if (name === "loss" || name === "loss_steps") {
      if (network.loss !== undefined) continue;
      throw new SluiceError("E458", `${network.name} defines no loss; add a line such as  loss = mse(y, target)`);
    }
    if (network.inputs.some((input) => input.name === name))
      throw new SluiceError("E458", `${name} is an input of ${network.name}, not a value it computes`);
    throw new SluiceError("E458", `${network.name} has no value ${name}; its values are ${[...known].join(", ")}`);
  }
}

/** The clamps of a variant. @throws SluiceError for an unknown name or a value that is not finite */
export function readClamps(network: RunNetwork, clamps: Clamps): Clamp[] {
  requireKind(isNamed(clamps), "clamps", "values by name, { i: 1 }", clamps);
  checkNames(network, Object.keys(clamps));
  return Object.entries(clamps).map(([value, to]): Clamp => {
    if (to === "frozen") return { value, to: { kind: "frozen" } };
    if (typeof to === "number") {
      if (!Number.isFinite(to)) throw new SluiceError("E457", `${value} cannot be held at ${to}; give a finite number`);
      return { value, to: { kind: "constant", value: to } };
    }
    for (const number of isArray(to) ? Array.from(to as ArrayLike<number>) : [to])
      if (!Number.isFinite(number)) throw new SluiceError("E457", `${value} cannot be held at ${kindOf(number)}; give finite numbers, or "frozen"`);
    return { value, to: { kind: "values" } };
  });
}

/** Fills the values of clamps that are held at values. */
export function writeClamps(executable: Executable, clamps: Clamps = {}): void {
  for (const [value, to] of Object.entries(clamps)) {
    if (typeof to === "number" || typeof to === "string") continue;
    const view = executable.buffers.get(`clamp:${value}`);
    if (view === undefined) continue; // nothing that was asked for depends on it
    if (view.length !== to.length)
      throw new SluiceError("E455", `${value} has ${view.length} components, but ${to.length} values were given to hold it at`);
    view.set(to);
  }
}

function readReset(options: RunOptions, { steps, batch }: ReadInputs): Float32Array | undefined {
  if (options.reset === undefined) return undefined;
  const { data } = flatten(options.reset, "reset");
  if (data.length !== steps * batch)
    throw new SluiceError("E455", `reset must have the shape [${steps}, ${batch}], but ${data.length} numbers were given`);
  const marks = Float32Array.from(data);
  if (marks.some((mark) => mark !== 0 && mark !== 1)) throw new SluiceError("E457", "reset must be 1 where a document begins and 0 elsewhere");
  return marks;
}
