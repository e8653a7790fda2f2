/**
 * Code for engines that join vectors gives the bits on record in any engine: it is plain WebAssembly, only arranged otherwise. That an engine which does
 * join them gives these bits too is shown by `npm run bench -- --bits --wide`.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { compileForJoining } from "../../src/runtime/wasm/engine.ts";
import { type Trajectory, trajectory } from "./trajectory.ts";

const record = JSON.parse(readFileSync(join(import.meta.dirname, "trajectories.json"), "utf8")) as Record<string, Trajectory>;

compileForJoining({ deterministic: true, fused: true });

test.each(["lstm", "gru_dropout"] as const)("%s: the bits on record, two vectors at a time", async (name) => {
  expect((await trajectory(name)).hashes).toEqual(record[name]);
});
