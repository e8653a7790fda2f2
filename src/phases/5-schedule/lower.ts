/**
 * Steps with addresses → loop functions.
 *
 * Every step becomes a function of (T, t, n); a scan is a loop over t around calls; an entry calls its steps in order. Equal tiles are shared.
 */
import type { Place } from "./access.ts";
import {
  add32,
  call,
  declare,
  div32,
  forLoop,
  i32,
  i32Local,
  less32,
  letLocal,
  loopFunction,
  min32,
  rem32,
  sub32,
  when,
} from "../../ir/loop/build.ts";
import type { Expression, LoopFunction, Statement } from "../../ir/loop/node.ts";
import type { ProgramStep } from "../../ir/program/node.ts";
import { stepsTogether } from "../../ir/tensor/sizes.ts";
import { unreachable } from "../../support/invariant.ts";
import { foldedIn } from "./fold.ts";
import { joinVectors } from "./join.ts";
import { KERNEL_PARAMETERS, lowerNest, SHARED_PARAMETERS, type Sharing } from "./nest.ts";
import { alone, sharesBatch } from "./share.ts";
import { lowerPack } from "./pack.ts";
import { lowerProduct, type Tiles } from "./product.ts";
import { lowerSolve } from "./solve.ts";
import { workOf } from "./work.ts";
import type { Folded, NestStep, Step } from "./step.ts";

export interface Lowered {
  readonly functions: LoopFunction[];
  readonly tiles: Tiles;
  readonly threads: number;
  readonly batch: number;
  /** Passes go two vectors at a time. */
  readonly wide: boolean;
  /** Receives the function of every step, where the program is to be profiled. */
  readonly names?: Map<Step, string>;
}

/** Where threads count each other: the first two i32 of the memory, which no place uses. */
const MEETING = 0;

/** First time step of the last strip. */
const lastStrip = (rows: number): Expression => {
  const last = sub32(i32Local("T"), i32(1));
  return sub32(last, rem32(last, i32(rows)));
};

/** A kernel that runs over groups of time steps has as many in hand as hold the steps that it is called for. */
function overGroups(kernel: LoopFunction, folded: Folded | undefined): LoopFunction {
  if (folded === undefined) return kernel;
  const together = stepsTogether(folded);
  return { ...kernel, body: [letLocal("n", div32(add32(i32Local("n"), i32(together - 1)), i32(together))), ...kernel.body] };
}

/** Elements that a scatter adds to may be the same twice: they keep their order. */
const scatters = (step: NestStep): boolean => step.operations.some((operation) => operation.op === "scatter");

/** Adds the function of an entry and of all its steps; returns what the entry does, for people. */
export function lowerEntry(entry: string, steps: readonly Step[], addresses: ReadonlyMap<Place, number>, into: Lowered): ProgramStep[] {
  const threaded = into.threads > 1;
  const parameters = threaded ? SHARED_PARAMETERS : KERNEL_PARAMETERS;
  const thread = threaded ? [i32Local("p"), i32Local("P")] : [];
  const addressOf = (place: Place): number => addresses.get(place)!;
  const meeting: Statement[] = threaded ? [{ kind: "barrier", address: MEETING, threads: i32Local("P") }] : [];
  const calls = (list: readonly Step[], around: "entry" | "scan" | "strip", sharing: Sharing): Statement[] =>
    list.flatMap((step) => {
      const name = `${entry}_${into.functions.length}`;
      into.names?.set(step, name);
      into.functions.push(loopFunction(name, [], []));
      const at = into.functions.length - 1;
      into.functions[at] = lowered(step, name, around !== "entry", sharing);
      const more = sharing === "none" ? [] : thread;
      if (around === "entry") return [call(name, i32Local("T"), i32(0), i32Local("T"), ...more), ...meeting];
      if (around === "scan") return [call(name, i32Local("T"), i32Local("t"), i32(1), ...more)];
      const made = call(name, i32Local("limit"), i32Local("t"), i32Local("n"), ...more);
      const rows = step.kind === "nest" ? step.ifShorterThan : undefined;
      return rows === undefined ? [made] : [when(less32(i32Local("n"), i32(rows)), [made])];
    });
  const pass = (nest: LoopFunction, step: NestStep): LoopFunction => (into.wide && !scatters(step) ? joinVectors(nest) : nest);
  const lowered = (step: Step, name: string, bound: boolean, sharing: Sharing): LoopFunction => {
    const inside = threaded && (step.kind === "scan" || step.kind === "strip") && sharesBatch(step.steps, into.batch) ? "batch" : "none";
    const divided = (body: Statement[]): Statement[] => (threaded && inside === "none" ? alone(body) : body);
    switch (step.kind) {
      case "nest":
        return overGroups(pass(lowerNest(step, name, addressOf, bound, sharing), step), foldedIn(step.axes.map((axis) => axis.size)));
      case "product":
        return overGroups(lowerProduct(step, name, addressOf, bound, sharing, into.tiles), step.folded);
      case "pack":
        return lowerPack(step, name, addressOf, bound, sharing);
      case "solve":
        return lowerSolve(step, name, addressOf, bound, sharing);
      case "scan": {
        const inner = calls(step.steps, "scan", inside);
        const body = step.reverse
          ? forLoop("u", i32(0), i32Local("T"), 1, [letLocal("t", sub32(sub32(i32Local("T"), i32(1)), i32Local("u"))), ...inner])
          : forLoop("u", i32(0), i32Local("T"), 1, [letLocal("t", add32(i32Local("u"), i32(0))), ...inner]);
        return loopFunction(name, parameters, divided([body]), step.label);
      }
      case "strip": {
        const limit = step.causal ? min32(i32Local("T"), add32(i32Local("t"), i32Local("n"))) : i32Local("T");
        const inner = calls(step.steps, "strip", inside);
        const body = forLoop(step.reverse ? "u" : "t", i32(0), i32Local("T"), step.rows, [
          ...(step.reverse ? [letLocal("t", sub32(lastStrip(step.rows), i32Local("u")))] : []),
          letLocal("n", min32(i32(step.rows), sub32(i32Local("T"), i32Local("t")))),
          letLocal("limit", limit),
          ...inner,
        ]);
        return loopFunction(name, parameters, divided([body]), step.label);
      }
      default:
        return unreachable(step);
    }
  };
  const body = calls(steps, "entry", threaded ? "work" : "none");
  into.functions.push(loopFunction(entry, [declare("T", "i32"), ...(threaded ? [declare("p", "i32"), declare("P", "i32")] : [])], body));
  return steps.map((step) => workOf(step, into.names));
}
