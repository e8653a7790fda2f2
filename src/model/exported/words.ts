/**
 * How the texts of an export speak of its inputs, results and files. In: a description. Out: phrases.
 */
import type { DatasetRecord } from "../dataset-record.ts";
import { sizeText } from "../sizes.ts";
import type { ExportDescription } from "./description.ts";

export interface ExportTexts {
  readonly description: ExportDescription;
  /** Script that defines `sluice`, with what src/inference.ts exports. */
  readonly runtime: string;
  /** Of the program that exports. */
  readonly version: string;
  /** The data that the model was trained on, where it is known. */
  readonly record?: DatasetRecord;
  /** Time steps of its longest training batch, where they are known. */
  readonly window?: number;
  /** An example of one sequence of its inputs, [steps, …] each, where there is one. */
  readonly sample?: Readonly<Record<string, ArrayLike<number>>>;
}

/** Files that the module loads. */
export const filesOf = ({ programs, weights }: ExportDescription): string[] => [...new Set(programs.map((program) => program.file)), weights.file];

/** True for what is known of a text. */
export const isText = (record: DatasetRecord | undefined): record is DatasetRecord & { kind: "text" } => record?.kind === "text";

/** True if a value can be had step by step. */
export const canStream = ({ programs }: ExportDescription): boolean => programs.some((program) => program.initial === "carried");

/** A name as a key of an object type. */
export const keyOf = (name: string): string => (/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name) ? name : JSON.stringify(name));

interface ShapeWords {
  readonly one: string;
  readonly many?: string;
}

/** Shapes that an input may have: of one sequence, and of a batch. */
function inputShapes({ shape, perStep, perExample }: ExportDescription["network"]["inputs"][number]): ShapeWords {
  const own = shape.map(sizeText);
  const write = (axes: readonly string[]): string => `[${axes.join(", ")}]`;
  const steps = perStep ? ["steps"] : [];
  return { one: write([...steps, ...own]), ...(perExample ? { many: write([...steps, "batch", ...own]) } : {}) };
}

/** "Real numbers: [steps, 6], or [steps, batch, 6] for several sequences." */
export function inputWords(input: ExportDescription["network"]["inputs"][number]): string {
  const { one, many } = inputShapes(input);
  const kind =
    input.type === "real" ? "Real numbers" : `Whole numbers${input.range === undefined ? "" : ` from 0 to ${Number(sizeText(input.range)) - 1}`}`;
  return `${kind}: ${one}${many === undefined ? "" : `, or ${many} for several sequences`}.`;
}

/** The shape of a result in words. */
export function outputWords(description: ExportDescription, name: string): string {
  const buffer = description.programs.flatMap((program) => program.buffers).find((each) => each.name === name);
  if (buffer === undefined) return "";
  const size = (i: number): string => (buffer.axes[i] === "b" ? "batch" : buffer.shape[i] === "T" ? "steps" : String(buffer.shape[i]));
  const place = (i: number): number => (buffer.axes[i] === "t" ? -2 : buffer.axes[i] === "b" ? -1 : i);
  const order = buffer.shape.map((_, i) => i).sort((a, b) => place(a) - place(b));
  return `[${order.map(size).join(", ")}]; without \`batch\` if one sequence was given without it.`;
}
