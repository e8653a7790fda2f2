/**
 * The programs of an export, found by what a run asks for and loaded when they are first used. Takes the place of the compiler.
 *
 * In: a description and the code of its programs. Out: `Programs`. What was not exported is refused with the reason and the cure.
 */
import { loadProgram } from "../../runtime/wasm/load.ts";
import { SluiceError } from "../../support/diagnostic.ts";
import { createFeed } from "../feed.ts";
import type { Programs, Ready, Request } from "../specialize.ts";
import type { ExportDescription, ExportedProgram } from "./description.ts";
import { programFor } from "./growth.ts";

type Wanted = Pick<Request, "batch" | "outputs" | "initial">;

export interface ExportedPrograms extends Programs {
  /** Numbers of sequences that a program runs at once, the largest first. */
  readonly batches: readonly number[];
  /** How whole sequences are run for these outputs: by a program that must begin afresh, or by one that carries its states from part to part. */
  wholeRuns(outputs: readonly string[]): Request["initial"];
}

/** @throws SluiceError E477 for what was not exported */
export function exportedPrograms(description: ExportDescription, code: (file: string) => Uint8Array): ExportedPrograms {
  const { network } = description;
  const shared = new Map<ExportedProgram, Ready>();

  const givingAll = (outputs: readonly string[]): readonly ExportedProgram[] =>
    description.programs.filter((program) => outputs.every((name) => program.outputs.includes(name)));

  function find({ batch, outputs, initial }: Wanted): ExportedProgram {
    const giving = givingAll(outputs).filter((program) => program.initial === initial);
    if (giving.length === 0) {
      const names = [...new Set(description.programs.flatMap((program) => program.outputs))];
      throw notExported(`${network.name} was exported to give ${names.join(", ")}, not ${outputs.join(", ")} together`, "--output or --gates");
    }
    const found = giving.find((program) => program.batch === batch);
    if (found !== undefined) return found;
    const sizes = [...new Set(giving.map((program) => program.batch))].join(" or ");
    throw notExported(`${network.name} was exported to advance ${sizes} at once in a stream, not ${batch}`, `--batch ${batch}`);
  }

  function open(exported: ExportedProgram, steps: number): Ready {
    const { capacity, growth, initial } = exported;
    if (initial === "fresh" && steps > capacity && growth === undefined)
      throw notExported(`${network.name} was exported for at most ${capacity} time steps, not ${steps}`, `--steps ${steps}`);
    const room = initial === "carried" || steps <= capacity ? capacity : 2 ** Math.ceil(Math.log2(steps));
    const executable = loadProgram(programFor(exported, code(exported.file), room));
    return { executable, feed: createFeed(executable, network), parametersVersion: -1 };
  }

  return {
    batches: [...new Set(description.programs.map((program) => program.batch))].sort((a, b) => b - a),
    forward(request, steps) {
      const exported = find(request);
      const known = shared.get(exported);
      if (known !== undefined && (exported.initial === "carried" || known.executable.program.capacity >= steps)) return known;
      const ready = open(exported, steps);
      shared.set(exported, ready);
      return ready;
    },
    own: (request, steps) => open(find(request), steps),
    streamRefusal({ outputs }) {
      const giving = givingAll(outputs);
      return giving.some((program) => program.initial === "carried") ? undefined : giving[0]?.noStream;
    },
    wholeRuns: (outputs) => (givingAll(outputs).some((program) => program.initial === "fresh") ? "fresh" : "carried"),
  };
}

function notExported(what: string, option: string): SluiceError {
  return new SluiceError("E477", `${what}; export it again with ${option}`);
}
