/**
 * `sluice check FILE…`: reads equations and says what is wrong with them, or what they are.
 *
 * Every file is checked, whatever the others hold. Exit code 1 if any has an error.
 */
import { counted } from "../../inspect/draw.ts";
import type { Compiled, ReadLatex } from "../../model/compiled.ts";
import { type Diagnostic, SluiceError } from "../../support/diagnostic.ts";
import { positionAt } from "../../support/source.ts";
import type { CommandDefinition } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { compileSubject, compileText, isModelFile, readEquations } from "../subject.ts";

interface CheckOptions {
  readonly block?: string;
}

export const check: CommandDefinition<CheckOptions> = {
  name: "check",
  arguments: "<file...>",
  summary: "say what is wrong with equations, or what they are",
  examples: ["sluice check my-cell.gate", "sluice check models/*.gate --json", "sluice check gru", "sluice check pasted.tex"],
  options(command) {
    command.option("--block <name>", "the main block, if it is not the last that no other block calls");
  },
  run({ terminal, json, emit }, files, options) {
    let worst: number = EXIT.ok;
    const results: unknown[] = [];
    for (const file of files) {
      try {
        const { compiled, latex } = read(file, options.block);
        const isWhole = !latex?.notes.some(({ code }) => code === "W002");
        if (!compiled.ok || !isWhole) worst = Math.max(worst, EXIT.content);
        if (json) results.push(asJson(file, compiled, latex));
        else {
          const report = [latex?.report().trimEnd(), compiled.report().trimEnd()].filter(Boolean).join("\n\n");
          if (report !== "") terminal.print(report);
          if (compiled.ok && isWhole) terminal.print(`${terminal.green("ok")}  ${file}  ${summary(compiled)}`);
        }
      } catch (error) {
        if (!(error instanceof SluiceError)) throw error;
        worst = Math.max(worst, error.code === "E468" ? EXIT.files : EXIT.content);
        if (json) results.push({ file, ok: false, error: { code: error.code, message: error.message } });
        else terminal.print(`${terminal.red("error")} ${error.code}  ${error.message}`);
      }
    }
    if (json) emit(results);
    return worst;
  },
};

/** What a file holds, with what was made of its LaTeX. */
function read(file: string, block: string | undefined): { readonly compiled: Compiled; readonly latex?: ReadLatex } {
  if (isModelFile(file)) return { compiled: compileSubject(file, block) };
  const { source, latex } = readEquations(file);
  return { compiled: compileText(source, block), latex };
}

/** "lstm(x) → h: 5 equations, 3 gates (i input, f forget, o output), 12 weights". */
function summary({ network }: Compiled): string {
  if (network === undefined) return "";
  const gates = network.gates.map((gate) => `${gate.name} ${gate.role}`).join(", ");
  const parts = [
    counted(network.values.length, "equation"),
    `${counted(network.gates.length, "gate")}${gates ? ` (${gates})` : ""}`,
    counted(network.weights.length, "weight"),
  ];
  return `${network.name}(${network.inputs.map((input) => input.name).join(", ")}) → ${network.outputs.join(", ")}: ${parts.join(", ")}`;
}

function asJson(file: string, compiled: Compiled, latex: ReadLatex | undefined): unknown {
  const placed = (diagnostics: readonly Diagnostic[], text: string): unknown => {
    const place = (span: { start: number; end: number }): unknown => ({ ...span, ...positionAt(text, span.start) });
    return diagnostics.map((diagnostic) => ({
      ...diagnostic,
      span: place(diagnostic.span),
      reasons: diagnostic.reasons?.map((reason) => ({ ...reason, span: reason.span && place(reason.span) })),
      edit: diagnostic.edit && { ...diagnostic.edit, span: place(diagnostic.edit.span) },
    }));
  };
  return {
    file,
    ok: compiled.ok && !latex?.notes.some(({ code }) => code === "W002"),
    ...(latex && { latex: { equations: latex.text, notes: placed(latex.notes, latex.original) } }),
    diagnostics: placed(compiled.diagnostics, compiled.source.text),
    network: compiled.network && {
      name: compiled.network.name,
      inputs: compiled.network.inputs.map((input) => input.name),
      outputs: compiled.network.outputs,
      gates: compiled.network.gates.map(({ name, value, role }) => ({ name, value, role })),
      weights: compiled.network.weights.map((weight) => weight.name),
      sizes: compiled.network.sizes.map(({ name, value, free }) => ({ name, value, free })),
    },
  };
}
