import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { SluiceError } from "../support/diagnostic.ts";
import { createRandom } from "../support/random.ts";
import { duplicateKey } from "./json-keys.ts";
import { readSafetensors, writeSafetensors, type Dtype } from "./safetensors.ts";
import { nonFinite, toFloat32, toFloat64, toInt32 } from "./tensor-values.ts";

const corrupt = fileURLToPath(new URL("../../test/fixtures/corrupt/", import.meta.url));
const manifest = JSON.parse(readFileSync(`${corrupt}manifest.json`, "utf8")) as { files: { file: string; problem: string; expect: string }[] };
const cases = manifest.files.filter(({ file }) => file.endsWith(".safetensors"));
const load = (file: string) => new Uint8Array(readFileSync(corrupt + file));

function failure(action: () => unknown): SluiceError {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(SluiceError);
    return error as SluiceError;
  }
  throw new Error("expected a SluiceError");
}

function file(header: unknown, data: readonly number[] = []): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + data.length);
  new DataView(bytes.buffer).setUint32(0, json.length, true);
  bytes.set(json, 8);
  bytes.set(data, 8 + json.length);
  return bytes;
}

test("every case of the manifest ends as it says", () => {
  expect(cases.length).toBeGreaterThan(25);
  const messages: string[] = [];
  for (const { file: name, expect: expected, problem } of cases) {
    if (expected === "reject") {
      const error = failure(() => readSafetensors(load(name), name.split("/")[1]));
      messages.push(`${error.code} ${error.message}   [${problem}]`);
    } else {
      // What only an importer can refuse is a valid container.
      expect(() => readSafetensors(load(name)), name).not.toThrow();
    }
  }
  expect(messages.join("\n")).toMatchSnapshot();
});

test("accepted files have the right values", () => {
  const lstm = readSafetensors(load("safetensors/valid_lstm.safetensors"));
  expect([...lstm.tensors.values()].map(({ name, dtype, shape }) => `${name} ${dtype} ${shape}`)).toMatchSnapshot();
  expect(nonFinite(toFloat32(lstm.tensors.get("weight_hh_l0")!))).toBeUndefined();
  const broken = toFloat32(readSafetensors(load("safetensors/nan_inf_weights.safetensors")).tensors.get("weight_hh_l0")!);
  const bad = broken.filter((value) => !Number.isFinite(value)).length;
  expect(nonFinite(broken)).toEqual({ count: bad, first: broken.findIndex((value) => !Number.isFinite(value)) });
  expect(bad).toBeGreaterThan(1);
  expect(broken.some(Number.isNaN) && broken.includes(Number.POSITIVE_INFINITY)).toBe(true);
  const odd = load("safetensors/valid_unaligned_data.safetensors");
  const view = new DataView(odd.buffer, odd.length - 16);
  expect([...toFloat32(readSafetensors(odd).tensors.get("a")!)]).toEqual([0, 4, 8, 12].map((at) => view.getFloat32(at, true)));
  const empty = [...readSafetensors(load("safetensors/valid_empty_tensor.safetensors")).tensors.values()];
  expect(empty.map(({ shape, bytes }) => [shape.length, bytes.length]).sort()).toEqual(expect.arrayContaining([[0, 4]]));
  expect(empty.some(({ shape }) => shape.includes(0))).toBe(true);
  expect(readSafetensors(load("safetensors/valid_no_tensors.safetensors")).tensors.size).toBe(0);
});

test("a file reads back as it was written, at any alignment, and the same content gives the same bytes", () => {
  const content = {
    tensors: [
      { name: "tokens", shape: [3], values: Int32Array.of(-1, 2, 2 ** 31 - 1) },
      { name: "W", shape: [2, 2], values: Float32Array.of(1.5, -0, Number.NaN, 1e-45) },
      { name: "m", shape: [], values: Float64Array.of(Math.PI) },
      { name: "mask", shape: [1, 5], values: Uint8Array.of(0, 1, 2, 3, 255) },
      { name: "none", shape: [0, 7], values: new Float32Array(0) },
      { name: "__proto__", shape: [1], values: Float32Array.of(7) },
    ],
    metadata: { "sluice.source": "h = tanh(W·x) # σ “quoted”", a: "", __proto__x: "1" },
  };
  const bytes = writeSafetensors(content);
  expect(writeSafetensors({ ...content, metadata: { a: "", __proto__x: "1", "sluice.source": content.metadata["sluice.source"] } })).toEqual(bytes);
  const shifted = new Uint8Array(bytes.length + 1);
  shifted.set(bytes, 1);
  for (const copy of [bytes, shifted.subarray(1)]) {
    const { tensors, metadata } = readSafetensors(copy);
    expect(Object.fromEntries(metadata)).toEqual(content.metadata);
    expect([...tensors.keys()].sort()).toEqual(content.tensors.map(({ name }) => name).sort());
    expect([...toInt32(tensors.get("tokens")!)]).toEqual([-1, 2, 2 ** 31 - 1]);
    expect([...toFloat32(tensors.get("W")!)]).toEqual([1.5, -0, Number.NaN, 2 ** -149]);
    expect([...toFloat64(tensors.get("m")!)]).toEqual([Math.PI]);
    expect([...toFloat32(tensors.get("mask")!)]).toEqual([0, 1, 2, 3, 255]);
    expect(tensors.get("none")!.shape).toEqual([0, 7]);
    expect(writeSafetensors({ tensors: [...tensors.values()], metadata: content.metadata })).toEqual(bytes);
  }
  expect(bytes.length % 4).toBe((8 + 12 + 16 + 4 + 5) % 4);
  const twice = { name: "a", shape: [1], values: Float32Array.of(1) };
  expect(failure(() => writeSafetensors({ tensors: [twice, twice] })).code).toBe("E405");
  expect(failure(() => writeSafetensors({ tensors: [{ ...twice, shape: [2] }] })).message).toContain("needs 8 bytes, 4 are given");
});

test("small floats, 64-bit integers and booleans convert exactly", () => {
  const convert = (dtype: Dtype, bytes: number[], elements: number) => {
    const held = file({ a: { dtype, shape: [elements], data_offsets: [0, bytes.length] } }, bytes);
    return [...toFloat32(readSafetensors(held).tensors.get("a")!)];
  };
  const words = (...values: number[]) => values.flatMap((value) => [value & 255, value >> 8]);
  expect(convert("F16", words(0x3c00, 0xc000, 0x7bff, 0x0001, 0x8000, 0x7c00, 0x7e00, 0x3555), 8)).toEqual([
    1,
    -2,
    65504,
    2 ** -24,
    -0,
    Number.POSITIVE_INFINITY,
    Number.NaN,
    0.333251953125,
  ]);
  expect(convert("BF16", words(0x3f80, 0xc0a0, 0x7f7f, 0x0001, 0xff80, 0x7fc0), 6)).toEqual([
    1,
    -5,
    3.3895313892515355e38,
    2 ** -133,
    Number.NEGATIVE_INFINITY,
    Number.NaN,
  ]);
  expect(convert("F8_E4M3", [0x7e, 0x7f, 0x38, 0x01, 0xff], 5)).toEqual([448, Number.NaN, 1, 2 ** -9, Number.NaN]);
  expect(convert("F8_E5M2", [0x7b, 0x7c, 0x3c, 0x01, 0x7d], 5)).toEqual([57344, Number.POSITIVE_INFINITY, 1, 2 ** -16, Number.NaN]);
  expect(convert("F8_E4M3FNUZ", [0x80, 0x7f, 0x40], 3)).toEqual([Number.NaN, 240, 1]);
  expect(convert("F8_E8M0", [127, 130, 255], 3)).toEqual([1, 8, Number.NaN]);
  expect(convert("I64", [254, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 1, 0, 0, 0], 2)).toEqual([-2, 2 ** 32]);
  expect(convert("U64", [255, 255, 255, 255, 255, 255, 255, 255], 1)).toEqual([2 ** 64]);
  expect(convert("BOOL", [0, 1], 2)).toEqual([0, 1]);
  expect(convert("I16", [0xff, 0xff], 1)).toEqual([-1]);
  expect(failure(() => convert("C64", [0, 0, 0, 0, 0, 0, 0, 0], 1)).code).toBe("E406");
  expect(failure(() => convert("F4", [0], 2)).code).toBe("E406");
  const big = readSafetensors(file({ a: { dtype: "I64", shape: [1], data_offsets: [0, 8] } }, [0, 0, 0, 0, 1, 0, 0, 0])).tensors.get("a")!;
  expect(failure(() => toInt32(big)).message).toContain("element 0 is 4294967296");
});

test("odd but valid headers, and holes", () => {
  expect(readSafetensors(file('{"__metadata__":{"a":"b"} }   ')).metadata.get("a")).toBe("b");
  expect(failure(() => readSafetensors(file('{"__metadata__":{"a":1}}'))).message).toContain('"a" is not a text');
  expect(failure(() => readSafetensors(file('{"__metadata__":{"a":"","\\u0061":""}}'))).message).toContain("twice");
  expect(failure(() => readSafetensors(file({ a: { dtype: "U8", shape: [1], data_offsets: [1, 2] } }, [0, 0]))).message).toContain(
    "belong to no tensor",
  );
  expect(failure(() => readSafetensors(file({ a: { dtype: "U8", shape: [1], data_offsets: [0, 1] } }, [0, 0]))).message).toContain("2 are there");
  expect(failure(() => readSafetensors(file({ a: { dtype: "F4", shape: [3], data_offsets: [0, 1] } }, [0]))).message).toContain("whole bytes");
  expect(failure(() => readSafetensors(file(`${"[".repeat(200_000)}`))).code).toBe("E402");
  expect(failure(() => readSafetensors(file({ a: { dtype: "U8", shape: new Array(100_000).fill(9), data_offsets: [0, 1] } }, [0]))).code).toBe(
    "E404",
  );
  expect(duplicateKey('{"a":[{"b":1},{"b":2}],"c":"\\"b","d":{"a":["a","a"]}}')).toBeUndefined();
  expect(duplicateKey('{"a":[{"b":1,"c":{},"b":2}]}')).toBe("b");
});

test("no mutation of a valid file does anything but load or raise a SluiceError", () => {
  const random = createRandom(77);
  const seeds = cases.filter(({ expect: expected }) => expected === "accept").map(({ file: name }) => load(name));
  let loaded = 0;
  for (let round = 0; round < 20_000; round++) {
    let bytes: Uint8Array = seeds[random.integer(seeds.length)].slice();
    for (let edits = 1 + random.integer(4); edits > 0; edits--) {
      const at = random.integer(Math.max(1, Math.min(bytes.length, 400)));
      const kind = random.integer(6);
      if (kind === 0) bytes[at] = random.integer(256);
      else if (kind === 1) bytes[at] ^= 1 << random.integer(8);
      else if (kind === 2) bytes = bytes.slice(0, at);
      else if (kind === 3) bytes = Uint8Array.of(...bytes.subarray(0, at), random.integer(256), ...bytes.subarray(at));
      else if (kind === 4) bytes = Uint8Array.of(...bytes.subarray(0, at), ...bytes.subarray(at + 1 + random.integer(8)));
      else if (bytes.length > 0) bytes[at] = '0123456789,[]{}":'.charCodeAt(random.integer(17));
    }
    try {
      const { tensors } = readSafetensors(bytes);
      loaded++;
      for (const tensor of tensors.values()) expect(tensor.bytes.length).toBeLessThanOrEqual(bytes.length);
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      expect(error.code).toMatch(/^E40[1-4]$/);
      expect(error.message.length).toBeLessThan(600);
    }
  }
  expect(loaded).toBeGreaterThan(100);
  expect(loaded).toBeLessThan(19_000);
});
