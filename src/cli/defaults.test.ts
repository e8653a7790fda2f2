/** Sizes of a whole and its parts: shared equally where nothing is said, and told with numbers that work where what was said leaves nothing. */
import { expect, test } from "vitest";
import { analyze } from "../compile.ts";
import { MECHANISMS } from "../mechanisms/index.ts";
import { shapeOf } from "../model/sizes.ts";
import { withEqualShares } from "./defaults.ts";

test.each([
  ["f, b", { H: 24, H2: 12 }],
  ["f, b, c", { H: 24, H2: 8, H3: 8 }],
])("concat(%s) in one width", (parts, expected) => {
  const calls = parts.split(", ").map((part) => `  ${part} = gru(x)`);
  const text = `bi(x) → y\n${calls.join("\n")}\n  y = concat(${parts})\n\nm(x) → h\n  h = bi(x)\n  where h ∈ ℝ^H`;
  const network = analyze({ name: "bi.gate", text }, { library: MECHANISMS }).network!;
  const open = Object.keys(expected);
  const sizes = { D: 2, ...Object.fromEntries(open.map((name) => [name, 24])) };
  const shapes = (of: typeof sizes): void => {
    for (const weight of network.weights) shapeOf(weight.shape, of, `the weight ${weight.name}`);
  };
  const first = open[1];
  expect(() => shapes(sizes)).toThrow(`${open.slice(1).join(" + ")} must be less than H`);
  expect(() => shapes(sizes)).toThrow(`${first} = ${24 / open.length}`);
  expect(() => shapes(sizes)).not.toThrow("-1*");
  const shared = withEqualShares(network, sizes, open);
  expect(shared).toEqual({ D: 2, ...expected });
  shapes(shared as typeof sizes);
  // What was given stays.
  expect(withEqualShares(network, sizes, ["H"])).toEqual(sizes);
});
