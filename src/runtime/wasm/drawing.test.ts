import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createRandom, generatorState } from "../../support/random.ts";
import { DRAWING_CODE } from "./drawing-code.ts";
import { openDrawing } from "./drawing.ts";

test("drawing-code.ts holds what scripts/drawing.mjs makes", () => {
  execFileSync(process.execPath, [join(import.meta.dirname, "../../../scripts/drawing.mjs"), "--check"], { stdio: "pipe" });
});

test("numbers are those of a generator, and leave its state where it would be", () => {
  const drawing = openDrawing()!;
  const state = generatorState(5);
  const random = createRandom(5);
  const uniform = new Float32Array(1001);
  drawing.uniforms(state, uniform, -0.3, 0.7);
  expect(uniform).toEqual(Float32Array.from(uniform, () => random.uniform(-0.3, 0.7)));
  const normal = new Float32Array(700);
  expect(drawing.matrices([{ state, values: normal, rows: 1, columns: 700, mean: 2, gain: 0.5 }], false)).toEqual([]);
  expect(normal).toEqual(Float32Array.from(normal, () => random.normal(2, 0.5)));
  drawing.uniforms(state, uniform, 0, 1);
  expect(uniform).toEqual(Float32Array.from(uniform, () => random.uniform()));
});

test("a matrix with a vector in the span of others is told from the three beside it", () => {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(DRAWING_CODE, "hex")));
  const { memory, orthonormalise } = exports as unknown as {
    memory: WebAssembly.Memory;
    orthonormalise(base: number, end: number, vectorBytes: number, norms: number): number;
  };
  memory.grow(1);
  const random = createRandom(1);
  const length = 5;
  const elements = 3 * length;
  for (const dependent of [0, 1, 2, 3]) {
    const values = new Float64Array(memory.buffer, 64, 4 * elements);
    values.forEach((_, i) => (values[i] = random.normal()));
    for (let i = 0; i < length; i++) {
      const at = (vector: number): number => 4 * (vector * length + i) + dependent;
      values[at(2)] = 3 * values[at(0)] - values[at(1)];
    }
    const end = 64 + 32 * elements;
    expect(orthonormalise(64, end, 32 * length, end)).toBe(1 << dependent);
  }
});
