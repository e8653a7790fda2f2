import fc from "fast-check";
import { expect, test } from "vitest";
import { diffLines, drawDiff } from "./diff-lines.ts";

test("the changes lead from the one text to the other, and are the fewest", () => {
  const lines = fc.array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 12 });
  fc.assert(
    fc.property(lines, lines, (before, after) => {
      const changes = diffLines(before, after);
      expect(changes.filter((change) => change.kind !== "added").map((change) => change.line)).toEqual(before);
      expect(changes.filter((change) => change.kind !== "removed").map((change) => change.line)).toEqual(after);
      // Longest common subsequence by its definition.
      const longest = Array.from({ length: before.length + 1 }, () => new Array<number>(after.length + 1).fill(0));
      for (let i = 1; i <= before.length; i++)
        for (let j = 1; j <= after.length; j++)
          longest[i][j] = before[i - 1] === after[j - 1] ? longest[i - 1][j - 1] + 1 : Math.max(longest[i - 1][j], longest[i][j - 1]);
      expect(changes.filter((change) => change.kind === "same").length).toBe(longest[before.length][after.length]);
    }),
    { numRuns: 200 },
  );
});

test("long stretches without change are left out", () => {
  const before = ["1", "2", "3", "4", "5", "6", "7"];
  expect(drawDiff(diffLines(before, ["1", "2", "3", "4", "5", "x", "7"]), 1)).toEqual(["  …", "  5", "- 6", "+ x", "  7"]);
});
