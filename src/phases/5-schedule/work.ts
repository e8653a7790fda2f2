/** Floating-point work of a step, for `explain` and for profiles: multiplications and additions counted as one each, functions as one. */
import type { AxisName, AxisSize } from "../../ir/tensor/node.ts";
import { isTimed, stepsTogether } from "../../ir/tensor/sizes.ts";
import type { ProgramStep, Work } from "../../ir/program/node.ts";
import { timedOf, type Timed } from "./space.ts";
import type { Step, StripStep } from "./step.ts";

/** One number of iterations of a step: a factor, and what it grows with. */
interface Range {
  readonly size: number;
  readonly timed: Timed;
}

const NONE: Work = { constant: 0, perStep: 0, perPair: 0 };

const plus = (p: Work, q: Work): Work => ({ constant: p.constant + q.constant, perStep: p.perStep + q.perStep, perPair: p.perPair + q.perPair });

const rangeOf = (axis: AxisName, size: AxisSize): Range => ({ size: isTimed(size) ? 1 / stepsTogether(size) : size, timed: timedOf(axis, size) });

function scaled(count: number, ranges: readonly Range[]): Work {
  const total = ranges.reduce((product, { size }) => product * size, count);
  const timed = new Set(ranges.map((range) => range.timed).filter((growth) => growth !== false));
  return { constant: timed.size === 0 ? total : 0, perStep: timed.size === 1 ? total : 0, perPair: timed.size === 2 ? total : 0 };
}

/** Work of a whole strip: each of its T / rows rounds has `rows` time steps in hand, and of a causal one on average half of all. */
function stripWork({ steps, rows, causal }: StripStep): Work {
  const share = causal ? 0.5 : 1;
  return steps
    .map(workOfStep)
    .reduce((sum, { constant, perStep, perPair }) => plus(sum, { constant: 0, perStep: perStep + constant / rows, perPair: share * perPair }), NONE);
}

function workOfStep(step: Step): Work {
  switch (step.kind) {
    case "nest":
      return scaled(
        step.operations.filter((operation) => operation.op !== "copy").length,
        step.axes.map((axis) => rangeOf(axis.name, axis.size)),
      );
    case "product": {
      const together = step.folded === undefined ? 1 : stepsTogether(step.folded);
      const dimensions = [step.m, step.n, step.k].map(({ size, timed }): Range => ({ size: timed ? size / together : size, timed }));
      return scaled(2, [...dimensions, ...step.outer.map((loop) => rangeOf(loop.axis, loop.size))]);
    }
    case "solve":
      return scaled(
        step.rows.size * step.columns.size,
        [step.rows, ...step.outer].map(({ axis, size }) => rangeOf(axis, size)),
      );
    case "pack":
      return NONE;
    case "strip":
      return stripWork(step);
    case "scan":
      return { ...NONE, perStep: step.steps.reduce((sum, inner) => sum + workOfStep(inner).constant, 0) };
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
    flops: workOfStep(step),
    ...(step.kind === "scan" || step.kind === "strip" ? { steps: step.steps.map((inner) => workOf(inner, names)) } : {}),
    ...(names ? { call: callOf(step, names.get(step)!) } : {}),
  };
}

function callOf(step: Step, name: string): NonNullable<ProgramStep["call"]> {
  if (step.kind === "strip") return { name, reverse: step.reverse === true, rows: step.rows, causal: step.causal };
  if (step.kind === "nest" && step.ifShorterThan !== undefined) return { name, reverse: false, ifShorterThan: step.ifShorterThan };
  return { name, reverse: step.kind === "scan" && step.reverse };
}
