/**
 * 200 steps of training give the same bits on one and two threads, and the bits on record. `SLUICE_GOLDEN=write` rewrites the record: a change of it is a change of
 * the arithmetic of training, and belongs in the change log.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Trajectory, TRAJECTORIES, trajectory } from "./trajectory.ts";

const path = join(import.meta.dirname, "trajectories.json");
const write = process.env.SLUICE_GOLDEN === "write";
const found: Record<string, Trajectory> = {};

for (const name of TRAJECTORIES) {
  test(`${name}: 200 steps to the bit, from one and two threads`, async () => {
    const one = await trajectory(name);
    const two = await trajectory(name, { threads: 2 });
    expect(two.hashes).toEqual(one.hashes);
    expect(one.losses.at(-1)!).toBeLessThan(one.losses[0]);
    expect(new Set(one.losses).size).toBeGreaterThan(190);
    found[name] = one.hashes;
    if (write) writeFileSync(path, `${JSON.stringify(found, null, 2)}\n`);
    else expect(one.hashes).toEqual((JSON.parse(readFileSync(path, "utf8")) as Record<string, Trajectory>)[name]);
  });
}
