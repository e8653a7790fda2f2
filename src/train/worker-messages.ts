/**
 * What a training worker and its owner say to each other. Plain data only.
 */
import type { CompileTextOptions } from "../model/compiled.ts";
import type { Diagnostic } from "../support/diagnostic.ts";
import type { Source } from "../support/source.ts";
import type { TableReading } from "./data/csv.ts";
import type { JsonLinesOptions } from "./data/jsonl.ts";
import type { TableOptions } from "./data/table.ts";
import type { TextOptions, TextParts } from "./data/text.ts";
import type { TrainEvent } from "./events.ts";
import type { TrainResult } from "./loop.ts";
import type { TrainSettings } from "./options.ts";
import type { TaskSettings } from "./tasks/task.ts";

/** A dataset described by plain data, since its functions cannot travel. */
export type DatasetDescription =
  | { readonly kind: "task"; readonly name: string; readonly settings?: TaskSettings }
  | { readonly kind: "table"; readonly text: string; readonly reading?: TableReading; readonly options?: TableOptions }
  | {
      readonly kind: "lines";
      readonly text: string | { readonly train: string; readonly valid?: string; readonly test?: string };
      readonly options?: JsonLinesOptions;
    }
  | { readonly kind: "text"; readonly text: string | TextParts; readonly options?: TextOptions }
  /** A module whose default export, or the export named, is a Dataset or makes one (perhaps a promise of one). */
  | { readonly kind: "module"; readonly url: string; readonly name?: string; readonly argument?: unknown };

/** Options of a run that can travel. */
export type WorkerSettings = Omit<TrainSettings, "onStep" | "onEvent" | "signal" | "saveCheckpoint" | "metrics">;

export type ToWorker =
  | {
      readonly kind: "train";
      readonly source: Source;
      readonly textOptions: CompileTextOptions;
      readonly dataset: DatasetDescription;
      readonly settings: WorkerSettings;
      readonly checkpoints: boolean;
    }
  | { readonly kind: "stop" };

export type FromWorker =
  | { readonly kind: "ready" }
  | { readonly kind: "event"; readonly event: TrainEvent }
  | { readonly kind: "checkpoint"; readonly bytes: Uint8Array; readonly step: number }
  | { readonly kind: "done"; readonly model: Uint8Array; readonly result: TrainResult }
  | {
      readonly kind: "failed";
      readonly code?: string;
      readonly message: string;
      readonly diagnostics: readonly Diagnostic[];
      readonly checkpoint?: Uint8Array;
      readonly step?: number;
    };
