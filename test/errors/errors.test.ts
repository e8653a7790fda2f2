/**
 * Every code of the catalogue has a sample, and every sample has the report that it is expected to have, to the letter.
 *
 * `test/errors/CODE/source.gate` is analysed and its report compared with `expected.txt` beside it. Samples of E0xx and W0xx need only the parser, or the
 * reader of LaTeX where the source is `source.tex`.
 * SLUICE_GOLDEN=write, or =E012 for one code, rewrites the expected texts; the difference is read before it is kept.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readLatex } from "../../src/phases/1-parse/latex.ts";
import { parse } from "../../src/phases/1-parse/parse.ts";
import { CATALOGUE } from "../../src/support/catalogue.ts";
import type { Diagnostic } from "../../src/support/diagnostic.ts";
import { renderReport } from "../../src/support/report.ts";
import type { Source } from "../../src/support/source.ts";

const FOLDER = import.meta.dirname;
const samples = readdirSync(FOLDER).filter((name) => /^[EW]\d{3}$/.test(name));
const isSyntax = (code: string): boolean => /^[EW]0/.test(code);

function readSample(code: string): Source {
  const name = existsSync(join(FOLDER, code, "source.tex")) ? "source.tex" : "source.gate";
  return { name, text: readFileSync(join(FOLDER, code, name), "utf8") };
}

async function diagnose(code: string, source: Source): Promise<readonly Diagnostic[]> {
  if (source.name.endsWith(".tex")) return readLatex(source).notes;
  if (isSyntax(code)) return parse(source).diagnostics;
  const { analyze } = await import("../../src/compile.ts");
  return analyze(source).diagnostics;
}

test.each(samples)("%s", async (code) => {
  const expectedFile = join(FOLDER, code, "expected.txt");
  const source = readSample(code);
  const diagnostics = await diagnose(code, source);
  const report = renderReport(diagnostics, source);
  if (process.env.SLUICE_GOLDEN === "write" || process.env.SLUICE_GOLDEN === code) writeFileSync(expectedFile, report);
  expect(diagnostics.map((diagnostic) => diagnostic.code)).toContain(code);
  expect(report).toBe(readFileSync(expectedFile, "utf8"));
});

// A text of LaTeX in a .gate file is reported once, at its first command, and has more of them.
test.each(samples.filter((code) => isSyntax(code) && code !== "E033" && readSample(code).name.endsWith(".gate")))(
  "%s: the edits cure what they are offered for",
  (code) => {
    const { text } = readSample(code);
    const { diagnostics } = parse({ name: "source.gate", text });
    for (const { edit, code: found } of diagnostics) {
      if (!edit) continue;
      const cured = text.slice(0, edit.span.start) + edit.text + text.slice(edit.span.end);
      const count = (of: readonly Diagnostic[]): number => of.filter((diagnostic) => diagnostic.code === found).length;
      expect(count(parse({ name: "source.gate", text: cured }).diagnostics), cured).toBeLessThan(count(diagnostics));
    }
  },
);

test("every code of a text has a sample", () => {
  // E4xx are found in data and in use, not in a text, and E129 when a block is asked for by name; the tests of their commands show them.
  const codes = Object.keys(CATALOGUE).filter((code) => !code.startsWith("E4") && code !== "E129");
  expect(codes.filter((code) => !existsSync(join(FOLDER, code, "expected.txt")))).toEqual([]);
  expect(samples.filter((code) => !Object.hasOwn(CATALOGUE, code))).toEqual([]);
});
