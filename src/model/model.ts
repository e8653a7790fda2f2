/**
 * A model: equations, sizes and one flat array of trained numbers.
 *
 * In: a compiled text, values for its sizes, a seed. Out: pure runs, recordings of any named value, streams, files.
 * Runs never keep state; a stream is the explicit handle that does.
 */
import type { Network } from "../ir/network/node.ts";
import type { DeviceName } from "../runtime/executable.ts";
import { readFileBytes, writeFileAtomically } from "../runtime/platform.ts";
import { SluiceError } from "../support/diagnostic.ts";
import { checkOptions, kindOf, type OptionNames, requireKind, requireNames, requireWord } from "../support/options.ts";
import { type ArrayInput, type NamedArray, shapeText } from "./arrays.ts";
import { type Compiled, networkOf } from "./compiled.ts";
import type { DatasetRecord } from "./dataset-record.ts";
import { gateNamed, shortGateNames } from "./gate-names.ts";
import { initialParameters } from "./initialize.ts";
import { type ParameterSlot, parameterLayout } from "./parameters.ts";
import { modelToBytes, readModel } from "./persist.ts";
import { runModel } from "./run.ts";
import { type GivenSizes, resolveSizes, type Sizes } from "./sizes.ts";
import { createSpecializer, type Specializer } from "./specialize.ts";
import { createStream, type Stream, type StreamOptions } from "./stream.ts";

export interface ModelOptions {
  /** Values of the free sizes, `{ H: 128 }`; a number if one size is free. */
  readonly sizes?: GivenSizes;
  /** Fixes the initial values (default 1). */
  readonly seed?: number;
  readonly device?: DeviceName;
  /** Fused multiply-add where the engine has it; changes last bits. */
  readonly fused?: boolean;
}

/** How a model came to its parameters; kept in its file. Plain JSON. */
export interface TrainingSummary {
  readonly steps: number;
  readonly loss?: number;
  readonly validationLoss?: number;
  readonly bestStep?: number;
  readonly reason?: string;
  readonly optimizer?: string;
  readonly durationMs?: number;
  readonly dataset?: string;
  /** Greatest number of time steps of a batch: how far back a model was taught to look that carries no state. */
  readonly window?: number;
}

export type Clamps = Readonly<Record<string, number | "frozen" | ArrayLike<number>>>;

export interface RunOptions {
  /** Number of steps of each sequence of a batch; the rest is padding. */
  readonly lengths?: ArrayLike<number>;
  /** Number of sequences, where flat typed arrays are given without a shape. */
  readonly batch?: number;
  /** Values of the states before the first step, by name (`h`, or `h~2` for two steps before). */
  readonly initial?: Readonly<Record<string, ArrayInput>>;
  /** Names of values wanted; the network's outputs unless given. `h[T]` is a last value; "loss" and "loss_steps" are known too. */
  readonly outputs?: readonly string[];
  /** More values wanted beside the outputs; true: every named value. */
  readonly record?: readonly string[] | true;
  /** Values held fixed: a number, one number per component, or "frozen" at the value of the first step. */
  readonly clamps?: Clamps;
  /** [steps, batch] 1 at the first step of a document. */
  readonly reset?: ArrayInput;
}

/** Results by name: [T, …] for one sequence, [T, B, …] for a batch. */
export type RunResult = Readonly<Record<string, NamedArray>>;

/** Inputs by name, or the values themselves where the network has one input. */
export type RunInputs = ArrayInput | Readonly<Record<string, ArrayInput>>;

export interface Model {
  readonly compiled: Compiled;
  readonly network: Network;
  readonly sizes: Readonly<Record<string, number>>;
  readonly seed: number;
  readonly device: DeviceName;
  /** All trained numbers in the order of `network.weights`. Read only; change it through `assign`. */
  readonly parameters: Float32Array;
  readonly parameterCount: number;
  readonly index: ReadonlyMap<string, ParameterSlot>;
  readonly specializer: Specializer;
  /** What a model file keeps about the data it was trained on. */
  readonly record?: DatasetRecord;
  readonly training?: TrainingSummary;
  /** A copy of one weight. @throws SluiceError E459 for an unknown name */
  weight(name: string): NamedArray;
  /** Replaces one weight, or all of them. @throws SluiceError E459 */
  assign(name: string, values: ArrayLike<number>): void;
  assign(parameters: ArrayLike<number>): void;
  /** Runs whole sequences; pure. */
  run(inputs: RunInputs, options?: RunOptions): RunResult;
  /** Runs and returns gates by name; all that the compiler found unless named ("i" for "h1.i" where that is the only i). */
  gates(inputs: RunInputs, names?: readonly string[], options?: RunOptions): RunResult;
  /** A handle that carries state from step to step. @throws SluiceError E460 where a value needs the future */
  stream(options?: StreamOptions): Stream;
  /** A safetensors file that holds its equations, sizes, seed and what it must know of its data. */
  toBytes(): Uint8Array;
  /** Writes the file atomically (Node only). */
  save(path: string): Promise<void>;
}

/** What a model is made of. */
export interface ModelParts {
  readonly compiled: Compiled;
  readonly sizes: Sizes;
  readonly seed: number;
  readonly parameters: Float32Array;
  readonly record?: DatasetRecord;
  readonly training?: TrainingSummary;
  readonly device?: DeviceName;
  readonly fused?: boolean;
}

export const DEVICES: readonly DeviceName[] = ["wasm", "interpreter"];
const MODEL_OPTIONS: OptionNames<ModelOptions> = { sizes: true, seed: true, device: true, fused: true };
const LOAD_OPTIONS: OptionNames<LoadOptions> = { name: true, device: true, fused: true };

/**
 * A model with fresh parameters, fixed by its seed.
 * @throws SluiceError with the report of a text with errors; E450–E453 for sizes, E462 for options
 */
export function createModel(compiled: Compiled, options: ModelOptions = {}): Model {
  checkOptions("createModel", options, MODEL_OPTIONS);
  const network = networkOf(compiled);
  const sizes = resolveSizes(network, options.sizes);
  const { slots, count } = parameterLayout(network, sizes);
  const seed = options.seed ?? 1;
  if (!Number.isFinite(seed)) throw new SluiceError("E462", `the seed must be a number, not ${kindOf(seed)}`);
  return modelOf({ ...options, compiled, sizes, seed, parameters: initialParameters(slots, count, seed) });
}

/** A model of its parts; the parameters become the model's own. */
export function modelOf(parts: ModelParts): Model {
  const { compiled, sizes, seed, parameters, device = "wasm", fused = false } = parts;
  const network = networkOf(compiled);
  requireWord("device", device, DEVICES);
  const { slots, count } = parameterLayout(network, sizes);
  const index = new Map(slots.map((slot) => [slot.name, slot]));
  const specializer = createSpecializer(network, sizes, slots, { device, fused });
  let version = 0;
  const running = { network, sizes, specializer, parameters, index, version: () => version };

  function slotOf(name: string): ParameterSlot {
    const slot = index.get(name);
    if (slot === undefined)
      throw new SluiceError("E459", `${network.name} has no weight ${name}; its weights are ${[...index.keys()].join(", ") || "none"}`);
    return slot;
  }

  function assign(nameOrAll: string | ArrayLike<number>, values?: ArrayLike<number>): void {
    const slot = typeof nameOrAll === "string" ? slotOf(nameOrAll) : { name: "the parameters", offset: 0, length: count, shape: [count] };
    const given = typeof nameOrAll === "string" ? values! : nameOrAll;
    if (given?.length !== slot.length)
      throw new SluiceError(
        "E459",
        `${slot.name} needs ${slot.length} numbers (shape ${shapeText(slot.shape)}), but ${given?.length ?? kindOf(given)} were given`,
      );
    for (let i = 0; i < slot.length; i++)
      if (!Number.isFinite(given[i]))
        throw new SluiceError("E457", `${slot.name} cannot have the value ${kindOf(given[i])} at position ${i}; give finite numbers`);
    parameters.set(given, slot.offset);
    version++;
  }

  return {
    compiled,
    network,
    sizes,
    seed,
    device,
    parameters,
    parameterCount: count,
    index,
    specializer,
    record: parts.record,
    training: parts.training,
    weight(name) {
      const { offset, length, shape } = slotOf(name);
      return { data: parameters.slice(offset, offset + length), shape };
    },
    assign,
    run: (inputs, options) => runModel(running, inputs, options),
    gates(inputs, names, options) {
      if (names !== undefined) requireNames("the gates wanted", names);
      const wanted = names?.map((name) => [name, gateNamed(network, name)] as const) ?? shortGateNames(network.gates);
      const results = runModel(running, inputs, { ...options, outputs: wanted.map(([, gate]) => gate.value) });
      return Object.fromEntries(wanted.map(([name, gate]) => [name, results[gate.value]]));
    },
    stream: (options) => createStream(running, options),
    toBytes: () => modelToBytes({ ...parts, index }),
    async save(path) {
      requireKind(typeof path === "string", "the path of a model file", "a text", path);
      await writeFileAtomically(path, modelToBytes({ ...parts, index }));
    },
  };
}

export interface LoadOptions {
  /** What errors call the file. */
  readonly name?: string;
  readonly device?: DeviceName;
  readonly fused?: boolean;
}

/** The model in the bytes of a file. @throws SluiceError E401–E406, E469, E470 */
export function loadModel(bytes: Uint8Array, options: LoadOptions = {}): Model {
  checkOptions("loadModel", options, LOAD_OPTIONS);
  requireKind(bytes instanceof Uint8Array, "the bytes of a model", "a Uint8Array (of an ArrayBuffer: new Uint8Array(buffer))", bytes);
  const { compiled, sizes, seed, parameters, record, training } = readModel(bytes, options.name);
  return modelOf({ compiled, sizes, seed, parameters, record, training, device: options.device, fused: options.fused });
}

/** The model in a file (Node only). @throws SluiceError as `loadModel`, and E468 if it cannot be read */
export async function loadModelFile(path: string, options: LoadOptions = {}): Promise<Model> {
  return loadModel(await readFileBytes(path), { name: path, ...options });
}
