/**
 * A training run as an async iterable of its events: `for await (const event of trainEvents(…))`. The loop's `return` value is the model.
 */
import type { Compiled } from "../model/compiled.ts";
import type { Dataset } from "./data/dataset.ts";
import type { TrainEvent } from "./events.ts";
import { type TrainedModel, train } from "./loop.ts";
import type { TrainOptions } from "./options.ts";

/** Trains and yields every event; leaving the loop early stops the run. @throws SluiceError as `train` */
export async function* trainEvents(compiled: Compiled, dataset: Dataset, options: TrainOptions = {}): AsyncGenerator<TrainEvent, TrainedModel> {
  const waiting: TrainEvent[] = [];
  let wake: () => void = () => undefined;
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([stop.signal, options.signal]);
  const onEvent = (event: TrainEvent): void => {
    options.onEvent?.(event);
    waiting.push(event);
    wake();
  };
  let running = true;
  const outcome = train(compiled, dataset, { ...options, signal, onEvent }).finally(() => {
    running = false;
    wake();
  });
  outcome.catch(() => undefined); // reported to whoever awaits below
  try {
    while (running || waiting.length > 0) {
      if (waiting.length > 0) yield waiting.shift()!;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
          if (!running || waiting.length > 0) resolve();
        });
    }
    return await outcome;
  } finally {
    stop.abort();
  }
}
