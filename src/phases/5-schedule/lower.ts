/**
 * Steps with addresses → loop functions.
 *
 * Every step becomes a function of (T, t, n); a scan is a loop over t around calls; an entry calls its steps in order. Equal tiles are shared.
 */
import type { Place } from "./access.ts";
import { add32, call, declare, forLoop, i32, i32Local, letLocal, loopFunction, min32, sub32 } from "../../ir/loop/build.ts";
import type { LoopFunction, Statement } from "../../ir/loop/node.ts";
import type { ProgramStep } from "../../ir/program/node.ts";
import { unreachable } from "../../support/invariant.ts";
import { KERNEL_PARAMETERS, lowerNest } from "./nest.ts";
import { lowerPack, lowerProduct, type Tiles } from "./product.ts";
import { workOf } from "./work.ts";
import type { Step } from "./step.ts";

export interface Lowered {
  readonly functions: LoopFunction[];
  readonly tiles: Tiles;
}

/** Adds the function of an entry and of all its steps; returns what the entry does, for people. */
export function lowerEntry(entry: string, steps: readonly Step[], addresses: ReadonlyMap<Place, number>, into: Lowered): ProgramStep[] {
  const addressOf = (place: Place): number => addresses.get(place)!;
  const calls = (list: readonly Step[], around: "entry" | "scan" | "strip"): Statement[] =>
    list.map((step) => {
      const name = `${entry}_${into.functions.length}`;
      into.functions.push(loopFunction(name, [], []));
      const at = into.functions.length - 1;
      into.functions[at] = lowered(step, name, around !== "entry");
      if (around === "entry") return call(name, i32Local("T"), i32(0), i32Local("T"));
      return around === "scan" ? call(name, i32Local("T"), i32Local("t"), i32(1)) : call(name, i32Local("limit"), i32Local("t"), i32Local("n"));
    });
  const lowered = (step: Step, name: string, bound: boolean): LoopFunction => {
    switch (step.kind) {
      case "nest":
        return lowerNest(step, name, addressOf, bound);
      case "product":
        return lowerProduct(step, name, addressOf, bound, into.tiles);
      case "pack":
        return lowerPack(step, name, addressOf, bound);
      case "scan": {
        const inner = calls(step.steps, "scan");
        const body = step.reverse
          ? forLoop("u", i32(0), i32Local("T"), 1, [letLocal("t", sub32(sub32(i32Local("T"), i32(1)), i32Local("u"))), ...inner])
          : forLoop("u", i32(0), i32Local("T"), 1, [letLocal("t", add32(i32Local("u"), i32(0))), ...inner]);
        return loopFunction(name, KERNEL_PARAMETERS, [body], step.label);
      }
      case "strip": {
        const limit = step.causal ? min32(i32Local("T"), add32(i32Local("t"), i32Local("n"))) : i32Local("T");
        const inner = calls(step.steps, "strip");
        const body = forLoop("t", i32(0), i32Local("T"), step.rows, [
          letLocal("n", min32(i32(step.rows), sub32(i32Local("T"), i32Local("t")))),
          letLocal("limit", limit),
          ...inner,
        ]);
        return loopFunction(name, KERNEL_PARAMETERS, [body], step.label);
      }
      default:
        return unreachable(step);
    }
  };
  const body = calls(steps, "entry");
  into.functions.push(loopFunction(entry, [declare("T", "i32")], body));
  return steps.map(workOf);
}
