/**
 * Random programs over the whole language: kernels against the interpreter, outputs and every gradient, on one thread and two, in every kind of code; padded,
 * alone and anywhere in a batch to the bit; streamed in chunks to the bit; both spellings. SLUICE_FUZZ_RUNS sets how many, SLUICE_FUZZ_FROM where they begin.
 */
import { expect, test } from "vitest";
import { threadPool } from "../../src/runtime/wasm/threads.ts";
import { checkDocuments, checkKernels, checkPlaces, checkSpelling, checkStream } from "./random-checks.ts";

const PROGRAMS = Number(process.env.SLUICE_FUZZ_RUNS ?? 120);
const FROM = Number(process.env.SLUICE_FUZZ_FROM ?? 0);
/** Programs of one test: small enough that a slow machine stays within the time of a test. */
const BLOCK = 20;
const TIMEOUT_MS = 120_000;

const blocks = Array.from({ length: Math.ceil(PROGRAMS / BLOCK) }, (_, block) =>
  Array.from({ length: Math.min(BLOCK, PROGRAMS - block * BLOCK) }, (__, i) => FROM + block * BLOCK + i),
);

test.each(blocks)("kernels agree with the interpreter: outputs and gradients, programs from %i", { timeout: TIMEOUT_MS }, async (...seeds) => {
  const pool = await threadPool(2);
  for (const seed of seeds) checkKernels(seed, pool);
});

test.each(blocks)("print as what reads the same, programs from %i", { timeout: TIMEOUT_MS }, (...seeds) => {
  for (const seed of seeds) checkSpelling(seed);
});

test.each(blocks)("padded, alone and anywhere in a batch: the same bits, programs from %i", { timeout: TIMEOUT_MS }, (...seeds) => {
  for (const seed of seeds.filter((each) => each % 6 === 0)) checkPlaces(seed);
});

test.each(blocks)("documents in one sequence are as they are alone, programs from %i", { timeout: TIMEOUT_MS }, (...seeds) => {
  for (const seed of seeds.filter((each) => each % 6 === 2)) checkDocuments(seed);
});

test("streamed in chunks: the same bits", { timeout: TIMEOUT_MS * blocks.length }, () => {
  const streamed = blocks.flat().filter((seed) => seed % 3 === 0 && checkStream(seed));
  expect(streamed.length).toBeGreaterThan(PROGRAMS / 60);
});
