/** Floating-point work of a step, for `explain` and for profiles: multiplications and additions counted as one each, functions as one. */
import type { AxisSize } from "../../ir/tensor/node.ts";
import type { ProgramStep } from "../../ir/program/node.ts";
import type { Step } from "./step.ts";

interface Work {
  readonly constant: number;
  readonly perStep: number;
}

function scaled(count: number, sizes: readonly AxisSize[]): Work {
  let total = count;
  let timed = false;
  for (const size of sizes) {
    if (size === "T") timed = true;
    else total *= size;
  }
  return timed ? { constant: 0, perStep: total } : { constant: total, perStep: 0 };
}

function flopsOf(step: Step): Work {
  switch (step.kind) {
    case "nest":
      return scaled(
        step.operations.filter((operation) => operation.op !== "copy").length,
        step.axes.map((axis) => axis.size),
      );
    case "product": {
      const sizes = [step.m, step.n, step.k].flatMap((dimension): AxisSize[] => [dimension.size, ...(dimension.timed ? (["T"] as const) : [])]);
      return scaled(2, [...sizes, ...step.outer.map((loop) => loop.size)]);
    }
    case "solve":
      return scaled(step.rows.size * step.columns.size, [step.rows.size, ...step.outer.map((loop) => loop.size)]);
    case "pack":
      return { constant: 0, perStep: 0 };
    case "strip":
      return step.steps.map(flopsOf).reduce((p, q) => ({ constant: p.constant + q.constant, perStep: p.perStep + q.perStep }));
    case "scan":
      return { constant: 0, perStep: step.steps.reduce((sum, inner) => sum + flopsOf(inner).constant, 0) };
  }
}

/** What a step does, for people. */
export function workOf(step: Step, names?: ReadonlyMap<Step, string>): ProgramStep {
  const copies = step.kind === "nest" && step.operations.every((operation) => operation.op === "copy");
  const reduces = step.kind === "nest" && step.operations.some((operation) => operation.over.length > 0);
  const kind = step.kind === "nest" ? (copies ? "copy" : reduces ? "reduction" : "pointwise") : step.kind;
  return {
    label: step.label,
    kind,
    flops: flopsOf(step),
    ...(step.kind === "scan" || step.kind === "strip" ? { steps: step.steps.map((inner) => workOf(inner, names)) } : {}),
    ...(names ? { call: { name: names.get(step)!, reverse: step.kind === "scan" && step.reverse } } : {}),
  };
}
