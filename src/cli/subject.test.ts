/** What a word on the command line stands for. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readEquations, readSource } from "./subject.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-subject-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a folder with the name of a mechanism does not hide it", () => {
  const before = mkdirSync("highway", { recursive: true }); // in the folder that the tests run in
  try {
    expect(readSource("highway").text).toContain("highway(x) → y");
  } finally {
    if (before !== undefined) rmSync(before, { recursive: true });
  }
  mkdirSync(join(folder, "gru"));
  expect(() => readSource(join(folder, "gru"))).toThrow(/is a folder/);
});

test("a file .tex is read as LaTeX, and not used where a part of it was not understood", () => {
  const path = join(folder, "a.tex");
  writeFileSync(path, "h_t = \\tanh(W x_t)");
  expect(readSource(path).text).toBe("h = tanh(W·x[t])\n");
  expect(readEquations(path).latex!.notes).toEqual([]);
  writeFileSync(path, "h_t = \\tanh(W x_t)\n$$c_t = \\begin{cases} 1 \\end{cases}$$");
  expect(() => readSource(path)).toThrow(/1 place of .*a\.tex could not be read; see them with: sluice check/);
  expect(readEquations(path).latex!.notes.map(({ code }) => code)).toEqual(["W002"]);
});
