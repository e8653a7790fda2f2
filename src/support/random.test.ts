import { expect, test } from "vitest";
import { createRandom, derive } from "./random.ts";

test("the bits of a seed never change", () => {
  const random = createRandom(2024);
  expect([random.bits(), random.bits(), random.bits()]).toMatchInlineSnapshot(`
    [
      23594415,
      2843419124,
      1378240393,
    ]
  `);
  expect([random.uniform(), random.normal(), random.normal(), random.integer(10)]).toMatchInlineSnapshot(`
    [
      0.7526125093220961,
      -0.9192833333925411,
      2.017425264892172,
      4,
    ]
  `);
  expect([derive(0), derive(2024, "batch", 7, 3), derive(-1.5, "é")]).toMatchInlineSnapshot(`
    [
      1019849211245666,
      7249538181434006,
      2671237053165998,
    ]
  `);
});

test("streams are independent of each other and of the kind of their labels", () => {
  const seeds = [
    derive(1),
    derive(2),
    derive(1, "1"),
    derive(1, 1),
    derive(1, "a", "b"),
    derive(1, "ab"),
    derive(1, "b", "a"),
    derive(1, ""),
    derive(0, 1),
  ];
  expect(new Set(seeds).size).toBe(seeds.length);
  for (const seed of seeds) expect(Number.isSafeInteger(seed) && seed >= 0).toBe(true);
  // Neighbouring rows of neighbouring steps: no correlation of their first values beyond chance (4/√n).
  const firsts = Array.from({ length: 10_000 }, (_, i) => createRandom(derive(5, "batch", Math.floor(i / 100), i % 100)).uniform() - 0.5);
  for (const lag of [1, 2, 100]) {
    let sum = 0;
    for (let i = lag; i < firsts.length; i++) sum += firsts[i] * firsts[i - lag];
    expect(Math.abs((sum * 12) / firsts.length)).toBeLessThan(0.04);
  }
});

test("uniform, integer and normal have the distribution they claim", () => {
  const random = createRandom(9);
  const n = 200_000;
  let mean = 0;
  let square = 0;
  let fourth = 0;
  for (let i = 0; i < n; i++) {
    const z = random.normal();
    mean += z / n;
    square += (z * z) / n;
    fourth += z ** 4 / n;
  }
  expect(Math.abs(mean)).toBeLessThan(0.01);
  expect(Math.abs(square - 1)).toBeLessThan(0.015);
  expect(Math.abs(fourth - 3)).toBeLessThan(0.15);
  const counts = new Array<number>(7).fill(0);
  for (let i = 0; i < 70_000; i++) counts[random.integer(7)]++;
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(400);
  for (let i = 0; i < 10_000; i++) {
    const value = random.uniform(-2, 3);
    expect(value >= -2 && value < 3).toBe(true);
  }
  expect(() => random.integer(0)).toThrow(/1 … 2\^32/);
});

test("shuffle permutes, evenly", () => {
  const random = createRandom(1);
  const counts = new Map<string, number>();
  for (let i = 0; i < 24_000; i++) {
    const order = random.shuffle([0, 1, 2, 3]).join("");
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  expect(counts.size).toBe(24);
  for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
  expect([...random.shuffle(Int32Array.of(5, 6, 7))].sort()).toEqual([5, 6, 7]);
});

test("an array filled at once holds what one draw after the other gives, and both go on alike", () => {
  for (const [before, count] of [
    [0, 0],
    [0, 7],
    [1, 8],
    [3, 5],
  ]) {
    const [one, all] = [createRandom(11), createRandom(11)];
    for (let i = 0; i < before; i++) expect(all.normal()).toBe(one.normal());
    const values = new Float64Array(count);
    all.normals(values);
    expect([...values]).toEqual(Array.from({ length: count }, () => one.normal()));
    expect(all.normal()).toBe(one.normal());
    expect(all.bits()).toBe(one.bits());
  }
});
