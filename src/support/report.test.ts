import { expect, test } from "vitest";
import type { Diagnostic } from "./diagnostic.ts";
import { renderReport } from "./report.ts";
import { cut, nearestWord, textWidth } from "./text.ts";

const text = "lstm(x) → h\n  # \n  i = σ(Wxi·x + Whi·x + wci∘c[t-1] + bi)\n  h = i∘tanh(Whi·h[t-1])\n";
const start = text.indexOf("Whi·x");
const diagnostic: Diagnostic = {
  code: "E203",
  severity: "error",
  message: "`Whi·x`: Whi has H columns, x has D rows",
  span: { start, end: start + 5 },
  label: "H ≠ D",
  reasons: [{ message: "Whi is H×H because of `Whi·h[t-1]` on line 4" }],
  edit: { span: { start, end: start + 5 }, text: "Whi·h[t-1]", label: "Whi·h[t-1]" },
};

test("the form of the language's own page", () => {
  expect(renderReport([diagnostic], { name: "lstm.gate", text })).toBe(`error E203  \`Whi·x\`: Whi has H columns, x has D rows
  lstm.gate:3:17
  3 │   i = σ(Wxi·x + Whi·x + wci∘c[t-1] + bi)
    │                 ──┬──
    │                 H ≠ D
    ├ Whi is H×H because of \`Whi·h[t-1]\` on line 4
    └ try  Whi·h[t-1]
`);
});

test("wide letters, combining marks, tabs and long lines keep the mark under its place", () => {
  const wide = "\t# 重み h̃ here";
  const at = wide.indexOf("here");
  const [, , line, mark] = renderReport([{ ...diagnostic, span: { start: at, end: at + 4 }, label: undefined, reasons: [], edit: undefined }], {
    name: "x",
    text: wide,
  }).split("\n");
  expect(textWidth(line!.slice(0, line!.indexOf("here")))).toBe(mark!.indexOf("─"));
  const long = `${"a + ".repeat(10_000)}b`;
  const report = renderReport([{ ...diagnostic, span: { start: long.length - 1, end: long.length } }], { name: "x", text: long }, { width: 60 });
  for (const row of report.split("\n").slice(2, 4)) expect(textWidth(row)).toBeLessThanOrEqual(60);
  expect(report).toContain("a + b");
});

test("colours only when asked for; spans past the end do no harm", () => {
  const source = { name: "x", text: "" };
  expect(renderReport([diagnostic], source)).not.toContain("\x1b");
  expect(renderReport([diagnostic], source, { color: true })).toContain("\x1b[31;1merror\x1b[0m");
});

test("texts are cut and compared by what people see", () => {
  expect(cut("重み行列", 5)).toBe("重み…");
  expect(nearestWord("kernal", ["kernel", "dilation"])).toBe("kernel");
  expect(nearestWord("h", ["kernel", "same"])).toBeUndefined();
  expect(nearestWord("Learningrate", ["seed", "learningRate"])).toBe("learningRate");
  expect(nearestWord("x", ["y"])).toBeUndefined();
});
