/**
 * `sluice format FILE…`: canonical text of equations, in Unicode, in ASCII or as LaTeX.
 *
 * LaTeX (a file `.tex`, or pasted to standard input) becomes equations, with a report of what was guessed or not understood on stderr. Prints to stdout; `--write` rewrites the files (whole or not at all), `--check` only says which would change. A file with errors is left alone.
 */
import { existsSync } from "node:fs";
import { printFile } from "../../ir/syntax/print.ts";
import { printLatex } from "../../ir/syntax/latex.ts";
import { networkOf } from "../../model/compiled.ts";
import { type Diagnostic, SluiceError } from "../../support/diagnostic.ts";
import { type CommandDefinition, usageError } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { writeWhole } from "../files.ts";
import { compileText, readEquations } from "../subject.ts";

interface FormatOptions {
  readonly unicode?: boolean;
  readonly ascii?: boolean;
  readonly latex?: boolean;
  readonly write?: boolean;
  readonly check?: boolean;
}

export const format: CommandDefinition<FormatOptions> = {
  name: "format",
  arguments: "<file...>",
  summary: "print equations in canonical form",
  examples: [
    "sluice format my-cell.gate --write",
    "sluice format my-cell.gate --ascii",
    "sluice format lstm --latex",
    "sluice format *.gate --check",
    "sluice format pasted.tex > my-cell.gate",
  ],
  options(command) {
    command
      .option("--unicode", "spell σ, ·, ∘, → (the default)")
      .option("--ascii", "spell sigmoid, @, .*, ->")
      .option("--latex", "print as LaTeX")
      .option("--write", "rewrite the files")
      .option("--check", "say which files would change; exit code 1 if any would");
  },
  async run({ terminal, json, emit }, files, options) {
    if ([options.unicode, options.ascii, options.latex].filter(Boolean).length > 1) throw usageError("give one of --unicode, --ascii and --latex");
    if (options.latex && (options.write || options.check)) throw usageError("--latex only prints; leave out --write and --check");
    const results: { file: string; changed: boolean; text: string; notes?: readonly Diagnostic[] }[] = [];
    for (const file of files) {
      const { source, latex } = readEquations(file);
      if (latex) {
        if (options.write || options.check)
          throw usageError(`${file} is LaTeX; print its equations to a file of their own: sluice format ${file} > ${equationFile(file)}`);
        if (latex.notes.length > 0 && !json) terminal.complain(`${latex.report().trimEnd()}\n`);
        if (latex.text === "") throw new SluiceError("E486", `${file} holds no equation that could be read`);
      }
      const compiled = compileText(source);
      if (compiled.diagnostics.some((diagnostic) => diagnostic.severity === "error" && diagnostic.code.startsWith("E0"))) networkOf(compiled);
      const text = options.latex ? printLatex(compiled.file) : printFile(compiled.file, { spelling: options.ascii ? "ascii" : "unicode" });
      results.push({ file, changed: text !== source.text, text, ...(latex && { notes: latex.notes }) });
    }
    for (const { file, changed, text } of results) {
      if (!options.write || !changed) continue;
      if (file === "-") throw usageError("standard input cannot be rewritten; leave out --write");
      if (!existsSync(file))
        throw new SluiceError("E486", `${file} is a standard mechanism, not a file; print it to a file of your own: sluice format ${file} > my.gate`);
      await writeWhole(file, text);
    }
    const changed = results.filter((result) => result.changed);
    if (json) emit(results);
    else if (options.check) for (const { file } of changed) terminal.print(file);
    else if (options.write) terminal.remark(changed.length === 0 ? "nothing to change" : `rewritten: ${changed.map(({ file }) => file).join(", ")}`);
    else for (const { text } of results) terminal.print(text.trimEnd());
    return options.check && changed.length > 0 ? EXIT.content : EXIT.ok;
  },
};

function equationFile(file: string): string {
  return file === "-" ? "my-cell.gate" : file.replace(/\.tex$/, ".gate").replace(/^.*[/\\]/, "");
}
