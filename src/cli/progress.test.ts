import { expect, test } from "vitest";
import { createProgress } from "./progress.ts";
import type { Terminal } from "./terminal.ts";

test("a moving line with loss, rate and time left, and a line for each validation", () => {
  const moving: string[] = [];
  const lines: string[] = [];
  const terminal = { progress: (text: string) => moving.push(text), remark: (text: string) => lines.push(text) } as unknown as Terminal;
  let clock = 0;
  const listen = createProgress(terminal, { unit: "characters", now: () => clock, everyMs: 100 });
  listen({ kind: "start", step: 0, steps: 200, parameterCount: 1, sizes: {}, compileMs: 1, memoryBytes: 1e6, segment: 0, keep: "usual", threads: 1 });
  for (let step = 1; step <= 20; step++) {
    clock += 20;
    listen({ kind: "step", step, steps: 200, loss: 2, norm: 1, learningRate: 0.002, durationMs: 20, tokens: 2048 });
  }
  listen({ kind: "validation", step: 20, loss: 1.5, metrics: { accuracy: 0.5 }, best: true, durationMs: 3 });
  expect(moving.length).toBe(4);
  expect(moving.at(-1)).toBe("step 16/200   loss 2.000   102 400 characters/s   3.7 s left   rate 0.0020");
  expect(lines).toEqual(["step 20   training 2.000   validation 1.500 *   accuracy 0.5000   102 400 characters/s"]);
});
