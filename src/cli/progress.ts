/**
 * A training run as a person follows it: one moving line on a terminal, a line per validation everywhere.
 *
 * In: events of train/events.ts. Out: text through a Terminal. Rates and times left are of the last stretch, so they settle quickly and follow changes.
 */
import { duration, figure, grouped } from "../inspect/draw.ts";
import type { StartEvent, TrainEvent, ValidationEvent } from "../train/events.ts";
import type { Terminal } from "./terminal.ts";

export interface ProgressOptions {
  /** Unit of what counts: "characters", "time steps". */
  readonly unit: string;
  /** What is told of a validation beside its loss; default every metric by its name. */
  readonly measured?: (event: ValidationEvent) => readonly string[];
  /** Milliseconds between two drawings. */
  readonly everyMs?: number;
  readonly now?: () => number;
}

/** A listener for the events of one run. */
export function createProgress(terminal: Terminal, options: ProgressOptions): (event: TrainEvent) => void {
  const now = options.now ?? (() => performance.now());
  const everyMs = options.everyMs ?? 100;
  let drawnAt = -Infinity;
  let smoothed = NaN;
  let stepMs = NaN;
  let perSecond = NaN;
  return (event) => {
    switch (event.kind) {
      case "start":
        if (event.segment > 0 || event.keep === "least") terminal.remark(memoryLine(event));
        if (event.remark !== undefined) terminal.remark(event.remark);
        if (event.step > 0) terminal.remark(`going on after step ${grouped(event.step)} of ${grouped(event.steps)}`);
        return;
      case "step": {
        smoothed = Number.isNaN(smoothed) ? event.loss : 0.95 * smoothed + 0.05 * event.loss;
        stepMs = Number.isNaN(stepMs) ? event.durationMs : 0.95 * stepMs + 0.05 * event.durationMs;
        perSecond = (1000 * event.tokens) / stepMs;
        if (now() - drawnAt < everyMs) return;
        drawnAt = now();
        const left = ((event.steps - event.step) * stepMs) / 1000;
        const parts = [
          `step ${grouped(event.step)}/${grouped(event.steps)}`,
          `loss ${figure(smoothed, 4)}`,
          `${grouped(perSecond)} ${options.unit}/s`,
          `${duration(left)} left`,
          `rate ${figure(event.learningRate, 2)}`,
        ];
        terminal.progress(parts.join("   "));
        return;
      }
      case "validation": {
        const metrics = options.measured?.(event) ?? Object.entries(event.metrics).map(([name, value]) => `${name} ${figure(value, 4)}`);
        const parts = [
          `step ${grouped(event.step)}`,
          `training ${figure(smoothed, 4)}`,
          `validation ${figure(event.loss, 4)}${event.best ? " *" : ""}`,
          ...metrics,
        ];
        if (!Number.isNaN(perSecond)) parts.push(`${grouped(perSecond)} ${options.unit}/s`);
        terminal.remark(parts.join("   "));
        return;
      }
      case "checkpoint":
      case "stopped":
        return;
    }
  };
}

/** How a run stays small: "memory  12.4 MiB, in segments of 64 steps, keeping only products". */
function memoryLine({ memoryBytes, segment, keep }: StartEvent): string {
  const parts = [`${figure(memoryBytes / 2 ** 20, 3)} MiB`];
  if (segment > 0) parts.push(`in segments of ${grouped(segment)} steps`);
  if (keep === "least") parts.push("keeping only results of products for the gradients");
  return `memory  ${parts.join(", ")}`;
}
