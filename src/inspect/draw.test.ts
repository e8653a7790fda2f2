import { expect, test } from "vitest";
import { bar, bytes, counted, duration, figure, gateRow, grouped, level, resample, shorten, sparkline, table, textWidth, wrap } from "./draw.ts";

test("levels span the range and mark what is not a number", () => {
  expect([0, 0.12, 0.5, 0.99, 1, 2, -1].map((x) => level(x)).join("")).toBe("▁▁▅███▁");
  expect(level(NaN)).toBe("×");
  expect(level(0, -1, 1, { ascii: true })).toBe("=");
});

test("a sparkline of a flat or long series", () => {
  expect(sparkline([1, 1, 1])).toBe("▅▅▅");
  expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7])).toBe("▁▂▃▄▅▆▇█");
  expect(
    sparkline(
      Array.from({ length: 100 }, (_, i) => i),
      { width: 5 },
    ),
  ).toBe("▁▃▅▇█");
  expect(resample([1, 3, 5, 7], 2)).toEqual([2, 6]);
});

test("bars are exact to an eighth", () => {
  expect(bar(0.37, 10)).toBe("███▊");
  expect(bar(1.4, 3)).toBe("███");
  expect(bar(0.5, 4, { ascii: true })).toBe("##");
  expect(bar(NaN, 4)).toBe("");
});

test("rows, widths, tables", () => {
  expect(gateRow([0, 0.5, 1])).toBe("▁ ▅ █");
  expect(textWidth("h̃ = tanh")).toBe(8);
  expect(shorten("attention", 5)).toBe("atte…");
  expect(wrap("one two three", 8, "  ")).toEqual(["one two", "  three"]);
  expect(
    table(
      [
        ["h̃", "1"],
        ["name", "12"],
      ],
      [1],
    ),
  ).toEqual(["h̃      1", "name  12"]);
});

test("numbers for people", () => {
  expect([grouped(1366), grouped(12), grouped(1234567)]).toEqual(["1 366", "12", "1 234 567"]);
  expect([figure(1.6449), figure(0.00001234), figure(123456), figure(0), figure(-0.25)]).toEqual(["1.64", "1.23e-5", "123456", "0", "-0.250"]);
  expect([bytes(12), bytes(12400), bytes(3 << 20)]).toEqual(["12 B", "12.1 KB", "3.0 MB"]);
  expect([duration(0.84), duration(42), duration(125), duration(3780)]).toEqual(["0.8 s", "42 s", "2 min 05 s", "1 h 03 min"]);
  expect([counted(1, "gate"), counted(3, "gate")]).toEqual(["1 gate", "3 gates"]);
});
