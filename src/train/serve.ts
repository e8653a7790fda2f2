/**
 * The inside of a training worker: hears one order, trains, tells every event, then the model.
 */
import { compile } from "../model/compiled.ts";
import { parentPort } from "../runtime/port.ts";
import { SluiceError } from "../support/diagnostic.ts";
import type { Dataset } from "./data/dataset.ts";
import { readTable } from "./data/csv.ts";
import { jsonLinesDataset } from "./data/jsonl.ts";
import { tableForecast } from "./data/table.ts";
import { textDataset } from "./data/text.ts";
import { type NonFiniteError, train } from "./loop.ts";
import { findTask } from "./tasks/list.ts";
import type { DatasetDescription, FromWorker, ToWorker } from "./worker-messages.ts";

/** Serves the owner of this worker until it ends it. */
export async function serveTraining(): Promise<void> {
  const port = await parentPort();
  const stop = new AbortController();
  const tell = (message: FromWorker): void => port.post(message);

  async function work(order: ToWorker & { kind: "train" }): Promise<void> {
    try {
      const dataset = await openDataset(order.dataset);
      const model = await train(compile(order.source, order.textOptions), dataset, {
        ...order.settings,
        signal: stop.signal,
        onEvent: (event) => tell({ kind: "event", event }),
        saveCheckpoint: order.checkpoints ? (bytes, step) => tell({ kind: "checkpoint", bytes, step }) : undefined,
      });
      tell({ kind: "done", model: model.toBytes(), result: model.result });
    } catch (error) {
      tell(failure(error));
    }
  }

  port.listen(
    (message) => {
      const order = message as ToWorker;
      if (order.kind === "train") void work(order);
      else stop.abort();
    },
    () => undefined,
  );
  tell({ kind: "ready" });
}

function failure(error: unknown): FromWorker {
  if (!(error instanceof SluiceError))
    return { kind: "failed", message: error instanceof Error ? (error.stack ?? error.message) : String(error), diagnostics: [] };
  const { checkpoint, step } = error as Partial<NonFiniteError>;
  return { kind: "failed", code: error.code, message: error.message, diagnostics: error.diagnostics, checkpoint, step };
}

async function openDataset(description: DatasetDescription): Promise<Dataset> {
  switch (description.kind) {
    case "task":
      return findTask(description.name).dataset(description.settings);
    case "text":
      return textDataset(description.text, description.options);
    case "table":
      return tableForecast(readTable(description.text, description.reading), description.options).dataset;
    case "lines":
      return jsonLinesDataset(description.text, description.options);
    case "module": {
      const module = (await import(/* @vite-ignore */ description.url)) as Record<string, unknown>;
      const found = module[description.name ?? "default"];
      if (found === undefined)
        throw new SluiceError("E463", `${description.url} exports no ${description.name ?? "default"}, where a dataset should be`);
      return (typeof found === "function" ? await found(description.argument) : found) as Dataset;
    }
  }
}
