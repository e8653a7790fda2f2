/**
 * Models as files: safetensors with the equations, sizes, seed and what is needed to use them on new data. A file alone can be loaded and run.
 *
 * In: a model, or bytes. Out: bytes, or what a model is made of. A broken file gives an error that says what is wrong with it.
 */
import { readSafetensors, type SafetensorsContent, type SafetensorsFile, writeSafetensors } from "../formats/safetensors.ts";
import { nonFinite, toFloat32 } from "../formats/tensor-values.ts";
import type { Network } from "../ir/network/node.ts";
import { SluiceError } from "../support/diagnostic.ts";
import { shapeText } from "./arrays.ts";
import { type Compiled, type CompileTextOptions, compile, networkOf } from "./compiled.ts";
import type { DatasetRecord } from "./dataset-record.ts";
import type { Model, TrainingSummary } from "./model.ts";
import { type ParameterSlot, parameterLayout } from "./parameters.ts";
import { resolveSizes, type Sizes } from "./sizes.ts";

/** Raised when older programs could misread a file. */
const formatVersion = 1;

/** What a file holds beside the weights. */
export interface ModelFile {
  readonly compiled: Compiled;
  readonly network: Network;
  readonly sizes: Sizes;
  readonly seed: number;
  readonly parameters: Float32Array;
  readonly record?: DatasetRecord;
  readonly training?: TrainingSummary;
  /** The whole file, for what others keep in it. */
  readonly file: SafetensorsFile;
}

type Stored = Pick<Model, "compiled" | "sizes" | "seed" | "parameters" | "index" | "record" | "training">;

/** The tensors and texts of a model; a checkpoint adds its own. */
export function modelContent(model: Stored): SafetensorsContent {
  const { compiled, parameters, index } = model;
  const metadata: Record<string, string> = {
    format: "sluice",
    version: String(formatVersion),
    name: compiled.source.name,
    equations: compiled.source.text,
    sizes: JSON.stringify(model.sizes),
    seed: String(model.seed),
  };
  if (compiled.options.main !== undefined) metadata.main = compiled.options.main;
  const library = calledTexts(compiled);
  if (Object.keys(library).length > 0) metadata.library = JSON.stringify(library);
  if (model.record !== undefined) metadata.record = JSON.stringify(model.record);
  if (model.training !== undefined) metadata.training = JSON.stringify(model.training);
  const tensors = [...index.values()].map(({ name, offset, length, shape }) => ({
    name,
    shape,
    values: parameters.subarray(offset, offset + length),
  }));
  return { tensors, metadata };
}

/** Bytes of a model file; the same model gives the same bytes. */
export function modelToBytes(model: Stored): Uint8Array {
  return writeSafetensors(modelContent(model));
}

/** Library texts that the equations name, directly or through others: what they call, and blocks that are arguments of others. */
function calledTexts(compiled: Compiled): Record<string, string> {
  const library = compiled.options.library ?? {};
  const called: Record<string, string> = {};
  const open = [compiled.source.text];
  for (let text = open.pop(); text !== undefined; text = open.pop()) {
    for (const [name] of text.replaceAll(/#.*/g, "").matchAll(/[\p{L}_][\p{L}\p{N}_]*/gu)) {
      if (Object.hasOwn(called, name) || !Object.hasOwn(library, name)) continue;
      called[name] = library[name];
      open.push(library[name]);
    }
  }
  return called;
}

/**
 * Reads a model file. `name` is what errors call it.
 * @throws SluiceError E401–E406 (a damaged container), E469 (no model of ours, or of a newer version), E470 (weights and equations disagree)
 */
export function readModel(bytes: Uint8Array, name = "the file"): ModelFile {
  const file = readSafetensors(bytes, name);
  const { metadata } = file;
  if (metadata.get("format") !== "sluice" || !metadata.has("equations"))
    throw new SluiceError("E469", `${name} holds tensors but no equations, so it is not a model of Sluice; import it with its equations instead`);
  const version = Number(metadata.get("version"));
  if (!(version >= 1 && version <= formatVersion))
    throw new SluiceError(
      "E469",
      `${name} has the format version ${metadata.get("version") ?? "none"}, this program reads ${formatVersion}; use a newer Sluice`,
    );
  const options: CompileTextOptions = {
    main: metadata.get("main"),
    library: readJson(metadata, "library", name) as Record<string, string> | undefined,
  };
  const compiled = compile({ name: metadata.get("name") ?? "<equations>", text: metadata.get("equations")! }, options);
  if (compiled.network === undefined)
    throw new SluiceError("E469", `the equations in ${name} have errors:\n${compiled.report()}`, compiled.diagnostics);
  const network = networkOf(compiled);
  const sizes = resolveSizes(network, readSizes(metadata, name));
  const { slots, count } = parameterLayout(network, sizes);
  for (const slot of slots) checkShape(file, slot, name);
  const parameters = new Float32Array(count);
  for (const slot of slots) readWeight(file, slot, parameters, name);
  const seed = Number(metadata.get("seed") ?? 1);
  if (!Number.isFinite(seed)) throw new SluiceError("E469", `${name} has the seed ${metadata.get("seed")}, which is no number; the file is damaged`);
  return {
    compiled,
    network,
    sizes,
    seed,
    parameters,
    record: readJson(metadata, "record", name) as DatasetRecord | undefined,
    training: readJson(metadata, "training", name) as TrainingSummary | undefined,
    file,
  };
}

function checkShape(file: SafetensorsFile, slot: ParameterSlot, name: string): void {
  const tensor = file.tensors.get(slot.name);
  if (tensor === undefined) throw new SluiceError("E470", `${name} lacks the weight ${slot.name} of its equations; the file is damaged`);
  if (tensor.shape.length !== slot.shape.length || tensor.shape.some((size, i) => size !== slot.shape[i]))
    throw new SluiceError(
      "E470",
      `${name}: the weight ${slot.name} has the shape ${shapeText(tensor.shape)}, its equations need ${shapeText(slot.shape)}`,
    );
}

function readWeight(file: SafetensorsFile, slot: ParameterSlot, parameters: Float32Array, name: string): void {
  const tensor = file.tensors.get(slot.name)!;
  const values = toFloat32(tensor);
  const broken = nonFinite(values);
  if (broken !== undefined)
    throw new SluiceError(
      "E470",
      `${name}: the weight ${slot.name} has ${broken.count} values that are not finite, the first at position ${broken.first}`,
    );
  parameters.set(values, slot.offset);
}

function readSizes(metadata: ReadonlyMap<string, string>, name: string): Sizes {
  const sizes = readJson(metadata, "sizes", name) ?? {};
  const good = typeof sizes === "object" && !Array.isArray(sizes) && Object.values(sizes as object).every((value) => Number.isInteger(value));
  if (!good) throw new SluiceError("E469", `${name}: its sizes must be whole numbers by name; the file is damaged`);
  return sizes as Sizes;
}

/** JSON kept under a key, undefined if there is none. @throws SluiceError E469 */
export function readJson(metadata: ReadonlyMap<string, string>, key: string, name: string): unknown {
  const text = metadata.get(key);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SluiceError("E469", `${name}: its entry ${key} is not valid JSON; the file is damaged`, [], { cause });
  }
}
