/**
 * Trains in a worker, so that the thread of a page or a server stays free. The same events, the same bits.
 */
import { type Compiled, networkOf } from "../model/compiled.ts";
import { loadModel } from "../model/model.ts";
import { openWorker } from "../runtime/port.ts";
import { SluiceError } from "../support/diagnostic.ts";
import { requireWord, unknownOption } from "../support/options.ts";
import type { TrainedModel } from "./loop.ts";
import { TRAIN_OPTIONS, type TrainSettings } from "./options.ts";
import type { DatasetDescription, FromWorker, ToWorker, WorkerSettings } from "./worker-messages.ts";

export interface WorkerTrainOptions extends WorkerSettings, Pick<TrainSettings, "onStep" | "onEvent" | "signal" | "saveCheckpoint"> {
  /** Address of the package's worker script, where it does not lie beside the library. */
  readonly script?: URL | string;
}

const KINDS: readonly DatasetDescription["kind"][] = ["task", "table", "lines", "text", "module"];

/**
 * Trains on a described dataset in a worker of its own, which ends with the run.
 * @throws SluiceError as `train`; E473 if there are no workers
 */
export async function trainInWorker(compiled: Compiled, dataset: DatasetDescription, options: WorkerTrainOptions = {}): Promise<TrainedModel> {
  networkOf(compiled);
  requireWord("kind of data", dataset?.kind, KINDS);
  const { metrics: _, ...travel } = TRAIN_OPTIONS; // functions cannot travel
  const known = [...Object.keys(travel), "script"];
  const unknown = Object.keys(options).find((name) => !known.includes(name) && !/^\p{Lu}/u.test(name));
  if (unknown !== undefined) throw unknownOption("trainInWorker", unknown, known);
  const { script, onStep, onEvent, signal, saveCheckpoint, ...settings } = options;
  const port = await openWorker(script ?? new URL("./worker.js", import.meta.url));
  const order: ToWorker = {
    kind: "train",
    source: compiled.source,
    textOptions: compiled.options,
    dataset,
    settings,
    checkpoints: saveCheckpoint !== undefined,
  };
  const stop = (): void => port.post({ kind: "stop" } satisfies ToWorker);
  let saving: Promise<void> = Promise.resolve();
  try {
    return await new Promise<TrainedModel>((resolve, reject) => {
      port.listen(
        (message) => {
          const told = message as FromWorker;
          switch (told.kind) {
            case "ready":
              port.post(order);
              if (signal?.aborted) stop();
              signal?.addEventListener("abort", stop);
              return;
            case "event":
              if (told.event.kind === "step") onStep?.(told.event);
              onEvent?.(told.event);
              return;
            case "checkpoint":
              saving = saving.then(() => saveCheckpoint?.(told.bytes, told.step));
              saving.catch(reject);
              return;
            case "done":
              saving.then(() => {
                const model = loadModel(told.model, { device: settings.device, fused: settings.fused });
                resolve(Object.assign(model, { training: model.training!, result: told.result }));
              }, reject);
              return;
            case "failed": {
              const error = new SluiceError(told.code ?? "E474", told.message, told.diagnostics);
              if (told.checkpoint === undefined) return reject(error);
              const model = loadModel(told.checkpoint, { device: settings.device, fused: settings.fused });
              return reject(Object.assign(error, { step: told.step, checkpoint: told.checkpoint, model }));
            }
          }
        },
        (cause) => reject(new SluiceError("E474", `the worker ended with an error of its own: ${messageOf(cause)}`, [], { cause })),
      );
    });
  } finally {
    signal?.removeEventListener("abort", stop);
    port.close();
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
