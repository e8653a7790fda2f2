/**
 * Exports a model for inference: compiles every program that it will need and describes them, so that the compiler can stay at home.
 *
 * In: a model, what it is to give. Out: the description, the code of each program, the weights. The module and the texts around them come from `texts.ts`.
 * Programs round twice where others fuse, so they have the same bits on every engine.
 */
import { compileProgram } from "../../compile.ts";
import type { Network, Size } from "../../ir/network/node.ts";
import type { Buffer, Program } from "../../ir/program/node.ts";
import { fingerprint } from "../../runtime/wasm/module-cache.ts";
import { SluiceError } from "../../support/diagnostic.ts";
import { lowerOnce } from "../compile-once.ts";
import { splitAhead } from "../feed.ts";
import { gateNamed } from "../gate-names.ts";
import type { Model } from "../model.ts";
import { checkNames, type RunNetwork } from "../run.ts";
import { shapeOf, type Sizes, sizeValue } from "../sizes.ts";
import type { Request } from "../specialize.ts";
import { deriveGrowth, type Grown } from "./derive-growth.ts";
import type { ExportDescription, ExportedProgram } from "./description.ts";

export interface ExportOptions {
  /** Values that it gives (default: the outputs of the network); `h[T]` is a last value. */
  readonly outputs?: readonly string[];
  /** Gates to be readable, by name; true: all. */
  readonly gates?: readonly string[] | true;
  /** Adds programs that run this many sequences at once; larger and smaller batches are cut to fit. */
  readonly batch?: number;
  /** Room for time of a model that cannot be run step by step and whose programs cannot grow (default 1024). */
  readonly steps?: number;
}

export interface ExportedFiles {
  readonly description: ExportDescription;
  /** Code by file name. */
  readonly code: ReadonlyMap<string, Uint8Array>;
  readonly weights: Uint8Array;
}

/** Time steps that a program with carried states computes at once: products of this many rows run at full speed. */
const chunkSteps = 128;
/** Room for time of a program that grows, before it does: the least from which on its plan of memory keeps its order. */
const leastRooms = [256, 1024, 4096];
const greatestBatch = 4096;

/** @throws SluiceError E458 for a name that is no value or gate, E462 for a number that cannot be meant */
export function exportModel(model: Model, options: ExportOptions = {}): ExportedFiles {
  const { network } = model;
  const outputs = [...new Set(options.outputs ?? network.outputs)];
  if (outputs.length === 0) throw new SluiceError("E462", "name at least one value to export");
  checkNames(network, outputs);
  checkCount("batch", options.batch, greatestBatch);
  checkCount("steps", options.steps, 2 ** 24);
  const gates = options.gates === true ? network.gates : (options.gates ?? []).map((name) => gateNamed(network, name));
  const recorded = [...new Set([...outputs, ...gates.map((gate) => gate.value)])];
  const batches = [...new Set([1, options.batch ?? 1])];
  const code = new Map<string, Uint8Array>();
  const programs: ExportedProgram[] = [];
  for (const batch of batches) {
    for (const names of recorded.length > outputs.length ? [outputs, recorded] : [outputs]) {
      const file = [names === outputs ? "model" : "gates", ...(batch > 1 ? [`batch-${batch}`] : [])].join("-");
      for (const made of makePrograms(model, names, batch, options.steps ?? 1024)) {
        const whole = made.exported.initial === "fresh" && programs.some((program) => program.file === `${file}.wasm`);
        const name = `${file}${whole ? "-whole" : ""}.wasm`;
        code.set(name, made.code);
        programs.push({ ...made.exported, file: name });
      }
    }
  }
  const weights = new Uint8Array(model.parameters.slice().buffer);
  const values = [...new Set(recorded.map((name) => name.replace(/\[T\]$/, "")))];
  const description: ExportDescription = {
    network: describeNetwork(network, model.sizes, programs, { outputs, values, gates: gates.map(({ name, value }) => ({ name, value })) }),
    weights: { file: "weights.bin", count: model.parameterCount, fingerprint: fingerprint(weights) },
    begin: Object.fromEntries(
      network.states.flatMap(({ initial }) => {
        const slot = initial.kind === "weight" ? model.index.get(initial.name) : undefined;
        return slot === undefined ? [] : [[slot.name, { offset: slot.offset, length: slot.length }]];
      }),
    ),
    programs,
  };
  return { description, code, weights };
}

function checkCount(name: string, value: number | undefined, most: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= 1 && value <= most)) return;
  throw new SluiceError("E462", `${name} must be a whole number from 1 to ${most}, not ${value}`);
}

interface Made {
  readonly exported: Omit<ExportedProgram, "file">;
  readonly code: Uint8Array;
}

/** One program that carries its states where that is possible, and one that begins afresh where whole sequences need it. */
function makePrograms(model: Model, outputs: readonly string[], batch: number, steps: number): Made[] {
  const { network, specializer } = model;
  const request: Request = { batch, mode: "evaluate", initial: "carried", lengths: false, reset: false, outputs };
  const noStream = specializer.streamRefusal(request);
  const made: Made[] = [];
  if (noStream === undefined) made.push(madeOf(compileFor(model, request, chunkSteps), { initial: "carried", outputs }));
  // A state that begins with an input or an expression has its first value computed by a program of whole sequences.
  const begins = network.states.every(({ initial }) => initial.kind === "constant" || initial.kind === "weight");
  if (noStream !== undefined || !begins) {
    const fresh: Request = { ...request, initial: "fresh" };
    const kind = { initial: "fresh", outputs, ...(noStream === undefined ? {} : { noStream }) } as const;
    const grown = firstOf(leastRooms, (room) => fitting(() => deriveGrowth((capacity) => compileFor(model, fresh, capacity), room)));
    made.push(madeOf(grown?.program ?? compileWhole(model, fresh, steps), kind, grown));
  }
  return made;
}

/** Nothing for what would need more memory than there can be: attention that is given out grows with the square of its room. */
function fitting<A>(make: () => A): A | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof SluiceError && error.code === "E472") return undefined;
    throw error;
  }
}

/** A program for a fixed room. @throws SluiceError E472 if that is too much */
function compileWhole(model: Model, request: Request, steps: number): Program {
  const program = fitting(() => compileFor(model, request, steps));
  if (program !== undefined) return program;
  throw new SluiceError(
    "E472",
    `${model.network.name} with room for ${steps} steps needs more memory than WebAssembly has; export fewer with --steps`,
  );
}

function firstOf<A, B>(items: readonly A[], make: (item: A) => B | undefined): B | undefined {
  for (const item of items) {
    const made = make(item);
    if (made !== undefined) return made;
  }
  return undefined;
}

function compileFor(model: Model, request: Request, capacity: number): Program {
  const { network, sizes, index } = model;
  const { graph } = lowerOnce(network, { ...request, sizes });
  const weights = [...index.values()].map(({ name, shape }) => ({ name, shape }));
  return compileProgram([{ entry: "forward", graph }], { capacity, batch: request.batch, weights, constants: "memory", tileRows: 4 }).program;
}

/** Only what the host reads or writes is told of the plan of memory. */
const told = ({ role }: Buffer): boolean => !["scratch", "weight", "gradient", "gradients"].includes(role);

function madeOf(
  { wasm, batch, capacity, memoryBytes, buffers }: Program,
  kind: Pick<ExportedProgram, "initial" | "outputs" | "noStream">,
  grown?: Grown,
): Made {
  const plain = buffers
    .filter(told)
    .map(({ name, role, type, offsetBytes, axes, shape, sizeBytes }) => ({ name, role, type, offsetBytes, axes, shape, sizeBytes }));
  const growth = grown && { ...grown.growth, buffers: grown.growth.buffers.filter((_, i) => told(buffers[i])) };
  return { exported: { ...kind, batch, capacity, memoryBytes, buffers: plain, ...(growth && { growth }) }, code: grown?.code ?? wasm };
}

/** The network as far as runs know it: inputs that a program reads, with numbers for sizes. */
function describeNetwork(
  network: Network,
  sizes: Sizes,
  programs: readonly ExportedProgram[],
  { outputs, values, gates }: { readonly outputs: readonly string[]; readonly values: readonly string[]; readonly gates: RunNetwork["gates"] },
): RunNetwork {
  const read = new Set(programs.flatMap(({ buffers }) => buffers.filter((buffer) => buffer.role === "input").map(({ name }) => splitAhead(name)[0])));
  const size = (value: number): Size => ({ terms: [{ coefficient: value, names: [] }] });
  return {
    name: network.name,
    inputs: network.inputs
      .filter((input) => read.has(input.name))
      .map(({ name, type, shape, range, perStep, perExample }) => {
        const values = range === undefined ? undefined : sizeValue(range, sizes);
        const numbers = shapeOf(shape, sizes, `the input ${name}`);
        return { name, type, shape: numbers.map(size), ...(values === undefined ? {} : { range: size(values) }), perStep, perExample };
      }),
    outputs,
    values: values.map((name) => ({ name })),
    states: network.states.map(({ name, initial }) => ({ name, initial })),
    gates,
  };
}
