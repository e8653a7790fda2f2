/** 200 steps of three models in a browser, from one and two threads, leave the bits on record. Skipped where there is no Chromium. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CHROMIUM, chromiumTrajectories } from "./chromium.ts";
import { type Trajectory, TRAJECTORIES } from "./trajectory.ts";

const record = JSON.parse(readFileSync(join(import.meta.dirname, "trajectories.json"), "utf8")) as Record<string, Trajectory>;

test.skipIf(!existsSync(CHROMIUM))("the bits on record in Chromium, from one and two threads", { timeout: 60_000 }, async () => {
  const { isolated, models } = await chromiumTrajectories(join(import.meta.dirname, "../.."));
  expect(isolated).toBe(true);
  expect(models).toEqual(Object.fromEntries(TRAJECTORIES.map((name) => [name, { one: record[name], two: record[name] }])));
});
