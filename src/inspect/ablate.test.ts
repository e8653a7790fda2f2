import { expect, test } from "vitest";
import type { GateDeclaration } from "../ir/network/node.ts";
import { ablate } from "./ablate.ts";

const gate = (name: string, range: readonly [number, number]): GateDeclaration => ({
  name,
  value: `cell.${name}`,
  role: "input",
  range,
  passes: "x",
  reason: "",
  span: { start: 0, end: 0 },
});

test("every intervention is measured against the model as it is", async () => {
  const asked: unknown[] = [];
  const means = new Map([["cell.i", Float32Array.of(0.25, 0.75)]]);
  const result = await ablate([gate("i", [0, 1]), gate("g", [-1, 2])], ["one", "zero", "mean", "frozen"], means, (hold) => {
    asked.push(hold && [hold.clamp.value, hold.clamp.to, hold.values && [...hold.values]]);
    return asked.length;
  });
  expect(result.baseline).toBe(1);
  expect(result.rows.map((row) => [row.label, row.metric, row.change])).toEqual([
    ["i ≡ 1", 2, 1],
    ["i ≡ 0", 3, 2],
    ["i ≡ mean", 4, 3],
    ["i frozen", 5, 4],
    ["g ≡ 1", 6, 5],
    ["g ≡ 0", 7, 6],
    ["g frozen", 8, 7],
  ]);
  expect(result.leftOut.map((row) => row.label)).toEqual(["g ≡ mean"]);
  expect(asked[3]).toEqual(["cell.i", { kind: "values" }, [0.25, 0.75]]);
  expect(asked[5]).toEqual(["cell.g", { kind: "constant", value: 2 }, undefined]);
});
