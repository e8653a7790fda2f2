import { expect, test } from "vitest";
import { gateNamed, shortGateNames, shortName } from "./gate-names.ts";

test("a path is left off a name, and off each name of an expression", () => {
  expect(["h1.i", "i", "layers.2.f̃"].map(shortName)).toEqual(["i", "i", "f̃"]);
  expect(shortName("silu(h.Wg·h.x)")).toBe("silu(Wg·x)");
  expect(shortName("σ(layers.2.Wh·layers.2.h[t-1] + 0.5*b.bias_2)")).toBe("σ(Wh·h[t-1] + 0.5*bias_2)");
});

test("names are short where no other gate ends in the same, and find their gate either way", () => {
  const gates = ["h1.f", "h2.f", "silu(h1.W·h1.x)"].map((name) => ({ name, value: `${name}!` }));
  expect(shortGateNames(gates).map(([name]) => name)).toEqual(["h1.f", "h2.f", "silu(W·x)"]);
  for (const name of ["silu(W·x)", "silu(h1.W·h1.x)"]) expect(gateNamed({ name: "n", gates }, name)).toBe(gates[2]);
  expect(() => gateNamed({ name: "n", gates }, "f")).toThrow(/no gate f; its gates are h1\.f, h2\.f, silu\(W·x\)/);
});
