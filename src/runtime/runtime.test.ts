import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readFileBytes, writeFileAtomically } from "./platform.ts";
import { engineCodeText } from "./wasm/engine.ts";
import { moduleOf } from "./wasm/module-cache.ts";
import { wasmFeatures } from "./wasm/probe.ts";

test("the probe's modules are judged as the engine's version says", () => {
  const { simd, relaxedSimd, threads } = wasmFeatures();
  expect(simd).toBe(true);
  expect(threads).toBe(true);
  expect(relaxedSimd).toBe(Number(process.versions.node.split(".")[0]) >= 22);
});

test("an engine's kernels are told with the reason", () => {
  expect(engineCodeText({ constants: "code", fusedRows: 4, fused: false }, 11)).toBe(
    "tiles of 4 rows, vector constants in the code, never fused: up to V8 12 the engine orders instructions itself and keeps constants, as measured (this is V8 11)",
  );
  expect(engineCodeText({ constants: "memory", fusedRows: 6, fused: true }, 13)).toMatch(
    /^tiles of 4 rows \(6 if fused\), .* in memory, fused where asked for: from V8 13/,
  );
  expect(engineCodeText()).toContain(`V8 ${Number.parseInt(process.versions.v8, 10)}`);
});

test("equal bytes are compiled once, other bytes are not mistaken for them", () => {
  const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  const named = Uint8Array.of(...empty, 0, 1, 0); // a custom section
  expect(moduleOf(empty)).toBe(moduleOf(empty.slice()));
  expect(moduleOf(named)).not.toBe(moduleOf(empty));
});

test("a file is written whole or not at all, and errors say why", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sluice-"));
  try {
    const path = join(folder, "model.bin");
    await writeFileAtomically(path, Uint8Array.of(1, 2, 3));
    await writeFileAtomically(path, Uint8Array.of(4, 5));
    expect([...(await readFileBytes(path))]).toEqual([4, 5]);
    await expect(writeFileAtomically(join(folder, "no", "model.bin"), "x")).rejects.toThrow(/could not be written: there is no such file or folder/);
    await writeFile(join(folder, "plain"), "");
    await expect(writeFileAtomically(join(folder, "plain", "model.bin"), "x")).rejects.toThrow(/a part of its path is not a folder/);
    await expect(writeFileAtomically(folder, "x")).rejects.toThrow(/could not be written/);
    await expect(readFileBytes(join(folder, "absent"))).rejects.toMatchObject({ code: "E468" });
    expect((await readdir(folder)).sort()).toEqual(["model.bin", "plain"]);
    expect([...(await readFile(path))]).toEqual([4, 5]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
