/** A model around every mechanism that reads and gives one vector; a message in the cell's own words for every other. */
import { expect, test } from "vitest";
import { analyze } from "../compile.ts";
import { MECHANISMS } from "../mechanisms/index.ts";
import { isWholeModel, wrapCell } from "./wrap-cell.ts";

const INPUTS = { x: { type: "real", size: 3 }, y: { type: "index", size: 4 } } as const;

test.each(Object.keys(MECHANISMS))("%s", (name) => {
  const text = MECHANISMS[name as keyof typeof MECHANISMS];
  const network = analyze({ name, text }, { library: MECHANISMS }).network!;
  if (isWholeModel(network)) return;
  for (const inputs of [INPUTS, { token: { type: "index", size: 9 } } as const]) {
    let model: string;
    try {
      model = wrapCell(text, network, inputs);
    } catch (error) {
      expect(error).toMatchObject({ code: "E488" });
      expect((error as Error).message.startsWith(`${name} `)).toBe(true);
      continue;
    }
    expect(analyze({ name, text: model }, { library: MECHANISMS }).diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  }
});

test("a cell with several heads is told how to make one vector of them, and can be", () => {
  const text = MECHANISMS.mlstm;
  const network = analyze({ name: "mlstm", text }).network!;
  expect(() => wrapCell(text, network, INPUTS)).toThrow("`y = Σ_j Wy[j]·h[j]` and `→ y` in the header");
  const cured = text.replace("→ h", "→ y").replace("\n  where", "\n  y = Σ_j Wy[j]·h[j]\n  where");
  const model = wrapCell(cured, analyze({ name: "mlstm", text: cured }).network!, INPUTS);
  expect(analyze({ name: "mlstm", text: model }).network?.loss).toBe("loss");
});
