/**
 * An exported model: inference without the compiler. Runs, gates and streams as `Model` has them, with its checks, its errors and its bits
 * (for recurrences that a run takes by chunks of time: those of a stream).
 *
 * In: the description, the code and the weights of an export. Out: a model to run. Whole sequences of any length and batch; streams where no value
 * needs the future.
 */
import { denseAxes } from "../../runtime/executable.ts";
import { fingerprint } from "../../runtime/wasm/module-cache.ts";
import { invariant } from "../../support/invariant.ts";
import { SluiceError } from "../../support/diagnostic.ts";
import { checkOptions, type OptionNames, requireNames } from "../../support/options.ts";
import { type ArrayInput, flatten } from "../arrays.ts";
import { gateNamed, shortGateNames } from "../gate-names.ts";
import { type ReadInputs, readInputs, readLengths } from "../input.ts";
import type { RunInputs, RunOptions, RunResult } from "../model.ts";
import { checkNames, loadParameters, type RunningModel, takeResult } from "../run.ts";
import type { Request } from "../specialize.ts";
import { beginStates, stateSlots, writeStates } from "../states.ts";
import { advance, createStream, type Stream, type StreamOptions } from "../stream.ts";
import { cutBatch, type Part, pickInputs, pickRows, putBack, type Whole, wholeFor } from "./batches.ts";
import type { ExportDescription } from "./description.ts";
import { exportedPrograms } from "./programs.ts";

export type ExportedRunOptions = Pick<RunOptions, "lengths" | "batch" | "initial" | "outputs">;

export interface ExportedModel {
  readonly name: string;
  /** Names of what it reads. */
  readonly inputs: readonly string[];
  /** Names of what a run gives unless asked for other values. */
  readonly outputs: readonly string[];
  /** Runs whole sequences; pure. */
  run(inputs: RunInputs, options?: ExportedRunOptions): RunResult;
  /** Runs and returns gates by name, all that were exported unless named. */
  gates(inputs: RunInputs, names?: readonly string[], options?: ExportedRunOptions): RunResult;
  /** A handle that carries state from step to step. @throws SluiceError E460 where a value needs the future */
  stream(options?: StreamOptions): Stream;
}

const OPTIONS: OptionNames<ExportedRunOptions> = { lengths: true, batch: true, initial: true, outputs: true };

/**
 * The model of an export.
 * @throws SluiceError E470 if the weights are not those of the export
 */
export function openExported(description: ExportDescription, code: (file: string) => Uint8Array, weights: Uint8Array): ExportedModel {
  const { network } = description;
  const programs = exportedPrograms(description, code);
  const model: RunningModel = {
    network,
    sizes: {},
    specializer: programs,
    parameters: readWeights(description, weights),
    index: new Map(Object.entries(description.begin)),
    version: () => 0,
  };

  function run(given: RunInputs, options: ExportedRunOptions = {}): RunResult {
    checkOptions("run of an exported model", options, OPTIONS);
    const wanted = options.outputs ?? network.outputs;
    checkNames(network, wanted);
    const names = [...new Set(wanted)];
    const read = readInputs(network, model.sizes, given, names, options);
    const lengths = options.lengths === undefined ? undefined : readLengths(options.lengths, read);
    const whole = new Map<string, Whole>();
    for (const part of cutBatch(read, lengths, programs.batches)) {
      const { results, executable } = runPart(pickInputs(network, read, part), names, initialOf(options.initial, part, read.batch));
      for (const name of names) {
        const buffer = executable.shapes.get(name)!;
        const axes = denseAxes(executable, buffer).map((axis) => (buffer.axes[axis] === "b" ? "b" : buffer.shape[axis]));
        if (!whole.has(name)) whole.set(name, wholeFor(axes, read));
        putBack(whole.get(name)!, results[name], axes, part);
      }
    }
    return Object.fromEntries(names.map((name) => [name, { data: whole.get(name)!.data, shape: whole.get(name)!.shown }]));
  }

  function runPart(read: ReadInputs, names: readonly string[], initial: RunOptions["initial"]) {
    const refusal = initial === undefined ? undefined : programs.streamRefusal(requestOf(read.batch, names, "carried"));
    if (refusal !== undefined) throw new SluiceError("E461", `the states of ${network.name} cannot be given for ${names.join(", ")}: ${refusal}`);
    const request = requestOf(read.batch, names, initial === undefined ? programs.wholeRuns(names) : "carried");
    const ready = programs.forward(request, read.steps);
    const { executable, feed } = ready;
    for (const name of feed.names)
      if (read.inputs[name] === undefined)
        throw new SluiceError("E456", `the input ${name} is missing; ${names.join(", ")} cannot be computed without it`);
    loadParameters(model, ready);
    if (request.initial === "carried") {
      const slots = stateSlots(executable);
      beginStates(network, slots, read.batch, model, initial === undefined ? undefined : writeStates(slots, read.batch, initial));
      return { results: advance(network, ready, names, read, false), executable };
    }
    feed.load(read);
    executable.run("forward", read.steps);
    const results = Object.fromEntries(names.map((name) => [name, takeResult(executable, name, read.steps, false)]));
    return { results, executable };
  }

  return {
    name: network.name,
    inputs: network.inputs.map((input) => input.name),
    outputs: network.outputs,
    run,
    gates(inputs, names, options) {
      if (names !== undefined) requireNames("the gates wanted", names);
      const wanted = names?.map((name) => [name, gateNamed(network, name)] as const) ?? shortGateNames(network.gates);
      const results = run(inputs, { ...options, outputs: wanted.map(([, gate]) => gate.value) });
      return Object.fromEntries(wanted.map(([name, gate]) => [name, results[gate.value]]));
    },
    stream: (options) => createStream(model, options),
  };
}

function requestOf(batch: number, outputs: readonly string[], initial: Request["initial"]): Request {
  return { batch, mode: "evaluate", initial, lengths: false, reset: false, outputs };
}

/** States given for the sequences of a part: one value for all stays as it is. */
function initialOf(given: RunOptions["initial"], part: Part, batch: number): RunOptions["initial"] {
  if (given === undefined || batch === 1) return given;
  const each = Object.entries(given).map(([name, value]): [string, ArrayInput] => {
    const { data, shape } = flatten(value, `the state ${name}`);
    if (shape.length === 0 || shape[0] !== batch) return [name, value];
    return [name, pickRows(Float32Array.from(data), part, 1, batch, data.length / batch)];
  });
  return Object.fromEntries(each);
}

function readWeights({ network, weights: { count, fingerprint: expected, file } }: ExportDescription, bytes: Uint8Array): Float32Array {
  if (bytes.byteLength !== 4 * count || fingerprint(bytes) !== expected) {
    const found = bytes.byteLength === 4 * count ? "other numbers" : `${bytes.byteLength} bytes instead of ${4 * count}`;
    throw new SluiceError(
      "E470",
      `${file} does not belong to this export of ${network.name}: it has ${found}; copy all files of one export together`,
    );
  }
  invariant(new Uint8Array(Uint16Array.of(1).buffer)[0] === 1, "weights are little-endian, and so is every engine with WebAssembly SIMD");
  return new Float32Array(new Uint8Array(bytes).buffer);
}
