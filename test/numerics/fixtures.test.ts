/**
 * The golden fixtures of every group that has an adapter: outputs, traces and all gradients, by the interpreter in float64 and by the kernels in float32,
 * and gradients against finite differences. The mechanisms' texts and the compiler have no other source of truth in common.
 */
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { findCases, readCase } from "../../scripts/fixtures/case.ts";
import { ADAPTERS } from "../../scripts/fixtures/groups.ts";
import { runCase } from "../../scripts/fixtures/run.ts";
import { kernelsNamed } from "../../scripts/fixtures/kernels.ts";
import { USUAL } from "./execute.ts";

const places = findCases(join(import.meta.dirname, "../fixtures")).filter(({ group }) => ADAPTERS.has(group));

describe.each(["interpreter", "wasm", "differences"] as const)("%s", (check) => {
  test.each(places)("$group $path", ({ group, path }) => {
    const [{ passed, reason, worst }] = runCase(readCase(group, path), [check], USUAL);
    expect({ passed, reason, worst: passed ? undefined : worst }).toEqual({ passed: true, reason: undefined, worst: undefined });
  });
});

/** Groups whose state is a matrix that only contractions read. */
const MATRIX_STATES = new Set(["gated_deltanet", "gla", "mamba2_ssd", "mlstm", "retnet", "rwkv6"]);
const chunks = await kernelsNamed("chunks=4");

describe.each(["interpreter", "wasm"] as const)("%s, by chunks of four steps", (check) => {
  test.each(places.filter(({ group }) => MATRIX_STATES.has(group)))("$group $path", ({ group, path }) => {
    const [{ passed, reason, worst }] = runCase(readCase(group, path), [check], { ...USUAL, ...chunks });
    expect({ passed, reason, worst: passed ? undefined : worst }).toEqual({ passed: true, reason: undefined, worst: undefined });
  });
});
