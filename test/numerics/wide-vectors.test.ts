/**
 * Two vectors at a time: random programs give the bits of plain code, deterministic and fused, on one thread and two. scripts/kinds.mjs asks every other test of
 * kernels the same.
 */
import { expect, test } from "vitest";
import { lower } from "../../src/compile.ts";
import { wasmFeatures } from "../../src/runtime/wasm/probe.ts";
import { threadPool } from "../../src/runtime/wasm/threads.ts";
import { type Kind, load, type Outputs, runLoaded } from "./execute.ts";
import { subject } from "./random-subject.ts";

const PROGRAMS = [1, 3, 5, 7, 8, 9, 10];

const hexOf = (outputs: Outputs): Record<string, string> =>
  Object.fromEntries(
    Object.entries(outputs).map(([name, values]) => [name, Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("hex")]),
  );

test("random programs: the same bits", { timeout: 120_000 }, async () => {
  const pool = await threadPool(2);
  const fused = { fused: wasmFeatures().relaxedSimd, tileRows: 6 };
  for (const seed of PROGRAMS) {
    const { network, variant, steps, arrays } = subject(seed);
    const { graph } = lower(network, variant);
    const bits = (kind: Kind): Record<string, string> => hexOf(runLoaded(load(network, variant, arrays, steps + 2, graph, kind), arrays, steps));
    const plain = bits({});
    expect(bits({ wide: true }), `program ${seed}`).toEqual(plain);
    if (seed % 3 === 0) expect(bits({ wide: true, pool, constants: "memory" }), `program ${seed} on two threads`).toEqual(plain);
    if (seed % 3 === 1) expect(bits({ wide: true, ...fused }), `program ${seed}, fused`).toEqual(bits(fused));
  }
});
