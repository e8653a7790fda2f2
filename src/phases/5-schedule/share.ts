/**
 * Shares of a loop: how the threads of a run divide a kernel's work.
 *
 * Every kernel of a threaded program takes (…, p, P): which thread this is, of how many. A share is a range of one loop whose iterations write to
 * different places, so nothing depends on the number of threads, not even the order in which a sum is taken: threads divide what is written, never
 * what is added up. Between steps all threads wait for each other; inside a recurrence they never do: each keeps to its part of the batch.
 */
import type { Expression, Statement } from "../../ir/loop/node.ts";
import { add32, div32, equal32, i32, i32Local, letLocal, mul32, when } from "../../ir/loop/build.ts";
import type { Access } from "./access.ts";
import { strideOf } from "./access.ts";
import type { Step } from "./step.ts";

/** The share [lo, hi) of `count` iterations in whole groups of `group`; the last thread takes the rest. */
export function shareOf(count: Expression, group: number): Statement[] {
  const groups = group === 1 ? count : div32(count, i32(group));
  const bound = (p: Expression): Expression => mul32(div32(mul32(groups, p), i32Local("P")), i32(group));
  const last = equal32(i32Local("p"), add32(i32Local("P"), i32(-1)));
  const statements = [letLocal("lo", bound(i32Local("p"))), letLocal("hi", bound(add32(i32Local("p"), i32(1))))];
  return group === 1 ? statements : [...statements, when(last, [letLocal("hi", count)])];
}

/** Work that cannot be shared: the first thread does it. */
export function alone(statements: readonly Statement[]): Statement[] {
  return [when(equal32(i32Local("p"), i32(0)), statements)];
}

/** True if every step of a loop's body keeps to rows of the batch: what it writes has a place of its own for every example. */
export function sharesBatch(steps: readonly Step[], batch: number): boolean {
  if (batch < 2) return false;
  const rows = (access: Access): boolean => strideOf(access, "b") !== 0;
  return steps.every((step) => {
    switch (step.kind) {
      case "nest":
        return (
          step.axes.some((axis) => axis.name === "b") &&
          step.operations.every((operation) => operation.op !== "scatter" && !operation.over.includes("b") && operation.stores.every(rows))
        );
      case "product":
        return (
          rows(step.c) &&
          ((step.m.axes[0] === "b" && !step.m.timed && step.m.size === batch) || step.outer.some((loop) => loop.axis === "b" && !loop.reduces))
        );
      case "solve":
        return rows(step.x) && step.outer.some((loop) => loop.axis === "b");
      default:
        return false;
    }
  });
}
