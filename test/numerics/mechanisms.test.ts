/** The library of mechanisms: the generated table is fresh, every text is accepted without a warning, and its gates are found. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { analyze } from "../../src/compile.ts";
import { MECHANISMS } from "../../src/mechanisms/index.ts";

test("texts.ts holds what the .gate files say", () => {
  execFileSync(process.execPath, [join(import.meta.dirname, "../../scripts/mechanisms.mjs"), "--check"], { stdio: "pipe" });
});

test.each(Object.entries(MECHANISMS))("%s is understood, without a warning", (name, text) => {
  const { network, diagnostics } = analyze({ name: `${name}.gate`, text }, { library: MECHANISMS });
  expect(diagnostics).toEqual([]);
  expect(network?.name).toBe(name);
  expect(network!.documentation.length).toBeGreaterThan(0);
});

test("gates and their roles", () => {
  const roles = (name: keyof typeof MECHANISMS): string =>
    analyze({ name, text: MECHANISMS[name] }, { library: MECHANISMS })
      .network!.gates.map((gate) => `${gate.name} ${gate.role}`)
      .join(", ");
  expect(roles("lstm")).toBe("i input, f forget, o output");
  expect(roles("peephole_lstm")).toBe("i input, f forget, o output");
  expect(roles("gru")).toBe("z update, r reset");
  expect(roles("cho_gru_v1")).toBe("r reset, z update");
  expect(roles("mingru")).toBe("z update");
  expect(roles("minlstm")).toBe("f′ forget, i′ input");
  expect(roles("highway")).toBe("T update");
  expect(roles("odyssey_nig")).toBe("f forget, o output");
});
