/**
 * Everything a run needs to go on bit for bit, in one file that is also a model file.
 *
 * In: the state of a run. Out: bytes; and back. Batches and random numbers are pure functions of the step, so no generator is stored.
 */
import { type SafetensorsFile, writeSafetensors } from "../formats/safetensors.ts";
import { toFloat32 } from "../formats/tensor-values.ts";
import { type ModelFile, modelContent, readJson, readModel } from "../model/persist.ts";
import { SluiceError } from "../support/diagnostic.ts";

export interface Validation {
  readonly step: number;
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/** The state of a run after `step` steps. */
export interface Checkpoint {
  readonly step: number;
  /** What must be the same in the run that goes on: optimizer, seed, clip, noise. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly validations: readonly Validation[];
  readonly moments: Readonly<Record<string, Float32Array>>;
  readonly states: Readonly<Record<string, Float32Array>>;
  readonly best?: { readonly step: number; readonly loss: number; readonly parameters: Float32Array };
}

const progressKey = "checkpoint";
const groups = { moments: "optimizer:", states: "state:" } as const;
const bestName = "best:parameters";

/** One file with the model and the state of its training. */
export function checkpointToBytes(model: Parameters<typeof modelContent>[0], checkpoint: Checkpoint): Uint8Array {
  const { tensors, metadata } = modelContent(model);
  const { step, settings, validations, best } = checkpoint;
  const progress = { step, settings, validations, ...(best === undefined ? {} : { best: { step: best.step, loss: best.loss } }) };
  const arrays = (group: keyof typeof groups) =>
    Object.entries(checkpoint[group]).map(([name, values]) => ({ name: groups[group] + name, shape: [values.length], values }));
  const more = [...arrays("moments"), ...arrays("states")];
  if (best !== undefined) more.push({ name: bestName, shape: [best.parameters.length], values: best.parameters });
  return writeSafetensors({ tensors: [...tensors, ...more], metadata: { ...metadata, [progressKey]: JSON.stringify(progress) } });
}

/** @throws SluiceError as `readModel`, and E465 for a model file that is no checkpoint */
export function readCheckpoint(bytes: Uint8Array, name = "the checkpoint"): { readonly model: ModelFile; readonly checkpoint: Checkpoint } {
  const model = readModel(bytes, name);
  const progress = readJson(model.file.metadata, progressKey, name) as
    | (Omit<Checkpoint, "moments" | "states"> & { best?: { step: number; loss: number } })
    | undefined;
  if (progress === undefined)
    throw new SluiceError("E465", `${name} is a model without the state of its training; begin anew from its parameters instead`);
  if (!Number.isInteger(progress.step) || progress.step < 0 || !Array.isArray(progress.validations) || !progress.validations.every(isValidation))
    throw new SluiceError("E465", `${name} has an entry ${progressKey} that makes no sense; the file is damaged`);
  const best = progress.best && { ...progress.best, parameters: arrayOf(model.file, bestName, name) };
  return {
    model,
    checkpoint: {
      ...progress,
      validations: progress.validations.map(({ step, loss, metrics }) => ({ step, loss: number(loss), metrics: mapped(metrics, number) })),
      best,
      moments: arraysOf(model.file, groups.moments),
      states: arraysOf(model.file, groups.states),
    },
  };
}

function isValidation(stored: unknown): boolean {
  const { step, metrics } = (stored ?? {}) as Partial<Validation>;
  return Number.isInteger(step) && typeof metrics === "object" && metrics !== null;
}

/** JSON has no NaN and writes null for it. */
function number(stored: number | null): number {
  return stored ?? Number.NaN;
}

function mapped<A, B>(record: Readonly<Record<string, A>>, map: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));
}

function arraysOf({ tensors }: SafetensorsFile, prefix: string): Record<string, Float32Array> {
  const found: Record<string, Float32Array> = {};
  for (const [name, tensor] of tensors) if (name.startsWith(prefix)) found[name.slice(prefix.length)] = toFloat32(tensor);
  return found;
}

function arrayOf({ tensors }: SafetensorsFile, name: string, file: string): Float32Array {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw new SluiceError("E465", `${file} lacks ${name}; the file is damaged`);
  return toFloat32(tensor);
}
