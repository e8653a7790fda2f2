/**
 * Golden files: the output of every phase for a few samples. `npm run golden` rewrites them; the diff is read before it is committed.
 *
 * A sample is a folder with source.gate; its last block is compiled for small, awkward sizes, two sequences and gradients.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { analyze, compileProgram, lower } from "../../src/compile.ts";
import type { Network } from "../../src/ir/network/node.ts";
import type { Variant } from "../../src/ir/network/variant.ts";
import { printLoopModule } from "../../src/ir/loop/print.ts";
import { printFile } from "../../src/ir/syntax/print.ts";
import { printGraph } from "../../src/ir/tensor/print.ts";
import { drawExplanation } from "../../src/inspect/draw-explanation.ts";
import { explain } from "../../src/inspect/explain.ts";
import { MECHANISMS } from "../../src/mechanisms/index.ts";
import { parameterLayout } from "../../src/model/parameters.ts";

const here = import.meta.dirname;
const write = process.env.SLUICE_GOLDEN === "write";
const samples = readdirSync(here, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)
  .sort();

const SIZES = [3, 5, 2, 7];

function variantOf(network: Network): Variant {
  const free = network.sizes.filter((size) => size.free && size.value === undefined);
  return {
    sizes: Object.fromEntries(
      network.sizes.flatMap((size) =>
        size.value === undefined ? [[size.name, SIZES[free.indexOf(size) % SIZES.length]]] : [[size.name, size.value]],
      ),
    ),
    batch: 2,
    mode: "train",
    initial: "fresh",
    lengths: false,
    reset: false,
    outputs: network.loss === undefined ? network.outputs : ["loss"],
    gradient: { of: network.loss === undefined ? "cotangents" : "loss", inputs: [] },
  };
}

/** Text of every phase's output by file name. */
function outputs(text: string): Record<string, string> {
  const { file, network, diagnostics } = analyze({ name: "source.gate", text }, { library: MECHANISMS });
  expect(diagnostics.filter((diagnostic) => diagnostic.severity === "error")).toEqual([]);
  const variant = variantOf(network!);
  const lowering = lower(network!, variant);
  const weights = parameterLayout(network!, variant.sizes).slots.map(({ name, shape }) => ({ name, shape }));
  const { loops } = compileProgram([{ entry: "run", graph: lowering.graph }], { capacity: 8, batch: 2, weights });
  return {
    "format.gate": printFile(file, { spelling: "unicode" }),
    "ascii.gate": printFile(file, { spelling: "ascii" }),
    "network.txt": `${drawExplanation(explain(network!), { width: 140 }).join("\n")}\n`,
    ...Object.fromEntries(lowering.stages.map(({ name, graph }) => [`${name}.txt`, printGraph(graph)])),
    "loops.txt": printLoopModule(loops),
  };
}

for (const sample of samples) {
  const folder = join(here, sample);
  test(`golden: ${sample}`, () => {
    for (const [name, text] of Object.entries(outputs(readFileSync(join(folder, "source.gate"), "utf8")))) {
      const path = join(folder, name);
      if (write) writeFileSync(path, text);
      expect(existsSync(path) ? readFileSync(path, "utf8") : `${name} is missing; npm run golden writes it`, `${sample}/${name}`).toBe(text);
    }
  });
}

test("there are samples", () => {
  expect(samples.length).toBeGreaterThanOrEqual(6);
});
