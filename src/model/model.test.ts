import { expect, test } from "vitest";
import { compile } from "./compiled.ts";
import { createModel, loadModel, type Model } from "./model.ts";
import { SluiceError } from "../support/diagnostic.ts";
import { createRandom } from "../support/random.ts";

const cell = compile(`
cell(x) → o
  i = σ(Wi·x + Ui·h[t-1] + bi)
  f = σ(Wf·x + Uf·h[t-1] + bf)
  c = f∘c[t-1] + i∘tanh(Wc·x + Uc·h[t-1] + c[t-2] + bc)
  h = i∘tanh(c)
  o = V·h + x[t-1]
`);

const devices = ["wasm", "interpreter"] as const;
const model = (device: Model["device"] = "wasm", H = 5): Model => createModel(cell, { sizes: { H, D: 3 }, seed: 4, device });
const numbers = (count: number, seed = 1): Float32Array => {
  const random = createRandom(seed);
  return Float32Array.from({ length: count }, () => random.normal());
};

test("both devices agree, and a run changes nothing that the next one sees", () => {
  const x = numbers(7 * 3);
  const [wasm, interpreter] = devices.map((device) => model(device).run(x, { record: true }));
  expect(Object.keys(wasm)).toEqual(["o", "i", "f", "c", "h"]);
  for (const name of Object.keys(wasm)) {
    expect(wasm[name].shape).toEqual(interpreter[name].shape);
    for (let k = 0; k < wasm[name].data.length; k++) expect(wasm[name].data[k]).toBeCloseTo(interpreter[name].data[k], 5);
  }
  const one = model();
  const before = one.run(x);
  one.run(numbers(9 * 3, 2), { outputs: ["c", "h[T]"] });
  expect(one.run(x)).toEqual(before);
  expect(before.o.shape).toEqual([7, 3]);
});

test.each(devices)("a sequence gives the same bits alone, padded, and anywhere in a batch: %s", (device) => {
  const one = model(device);
  const [T, B] = [9, 4];
  const lengths = [9, 2, 5, 1];
  const batch = numbers(T * B * 3);
  const together = one.run(batch, { lengths, outputs: ["o", "h", "h[T]"] });
  expect(together.o.shape).toEqual([T, B, 3]);
  for (const [b, length] of lengths.entries()) {
    const own = Float32Array.from({ length: length * 3 }, (_, k) => batch[(Math.floor(k / 3) * B + b) * 3 + (k % 3)]);
    const alone = one.run(own, { outputs: ["o", "h", "h[T]"] });
    for (let t = 0; t < length; t++) {
      const row = (t * B + b) * 3;
      expect(together.o.data.slice(row, row + 3)).toEqual(alone.o.data.slice(t * 3, t * 3 + 3));
    }
    expect(together["h[T]"].data.slice(b * 5, b * 5 + 5)).toEqual(alone["h[T]"].data);
    for (let t = length; t < T; t++) expect(together.h.data.slice((t * B + b) * 5, (t * B + b + 1) * 5).every((value) => value === 0)).toBe(true);
  }
});

test.each(devices)("steps streamed one by one, in chunks or all at once give the bits of one run: %s", (device) => {
  const one = model(device);
  for (const batch of [1, 3]) {
    const T = 11;
    const x = numbers(T * batch * 3);
    const whole = one.run(x, { batch }).o.data;
    for (const sizes of [[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1], [4, 1, 6], [11]]) {
      const stream = one.stream({ batch });
      const parts: number[] = [];
      for (const steps of sizes) {
        const from = stream.position * batch * 3;
        parts.push(...stream.push(x.subarray(from, from + steps * batch * 3)).o.data);
      }
      expect(Float32Array.from(parts)).toEqual(whole);
    }
    const stream = one.stream({ batch });
    for (let t = 0; t < T; t++) {
      const row = x.subarray(t * batch * 3, (t + 1) * batch * 3);
      expect(stream.step(row)).toEqual(whole.subarray(t * batch * 3, (t + 1) * batch * 3));
      if (t !== 5 || device === "interpreter") continue; // a saved state is float32, the interpreter's own is float64
      const saved = stream.state();
      stream.step(row);
      stream.restore(saved);
    }
    expect(stream.position).toBe(T);
    stream.reset();
    expect(stream.step(x.subarray(0, batch * 3))).toEqual(whole.subarray(0, batch * 3));
  }
});

test("a value that needs the future is refused in a stream, with the reason", () => {
  const backward = createModel(compile("back(x) → h\n  h = tanh(W·x + U·h[t+1])"), { sizes: { H: 2, D: 3 } });
  expect(() => backward.stream()).toThrow(/h cannot be computed in a stream: the recurrence of h runs backwards in time/);
  const ahead = createModel(compile("ahead(x) → y\n  y = W·x[t+1]\n  where y ∈ ℝ^K"), { sizes: { K: 2, D: 3 } });
  expect(() => ahead.stream()).toThrow(/x\[t\+1\] is read before it is known/);
});

test("the loss is the mean over the steps whose future is known", () => {
  const text = "chars(token) → p\n  e = E[token]\n  h = tanh(e + U·h[t-1])\n  p = W·h + b\n  loss = cross_entropy(p, token[t+1])";
  const chars = createModel(compile(text), { sizes: { V: 4, D: 5 }, seed: 2 });
  const mean = (values: Float32Array): number => values.reduce((a, b) => a + b, 0) / values.length;
  const tokens = [0, 3, 1, 2, 2, 0];
  const { loss, loss_steps } = chars.run(tokens, { outputs: ["loss", "loss_steps"] });
  expect(loss.shape).toEqual([]);
  expect(loss_steps.shape).toEqual([6]);
  expect(loss.data[0]).toBeCloseTo(mean(loss_steps.data.slice(0, 5)), 5);
  const shorter = chars.run(tokens.slice(0, 3), { outputs: ["loss"] }).loss.data[0];
  const padded = tokens.flatMap((token, t) => [token, t < 3 ? token : 0]);
  const both = chars.run({ data: padded, shape: [6, 2] }, { lengths: [6, 3], outputs: ["loss"] }).loss.data[0];
  expect(both).toBeCloseTo((5 * loss.data[0] + 2 * shorter) / 7, 5);
  expect(() => chars.stream({ outputs: ["loss"] })).toThrow(/token\[t\+1\] is read before it is known/);
  expect(chars.stream().step(3).length).toBe(4);
  expect(() => chars.stream().step(4)).toThrow("the input token[0] is 4; it must be a whole number from 0 to 3");
});

test("a learned first state, one given by an input and one given by the caller", () => {
  const learned = createModel(compile("cell(x) → h\n  h = tanh(W·x + U·h[t-1])\n  where h[0] = h0"), { sizes: { D: 2, H: 3 }, seed: 3 });
  learned.assign("h0", [0.5, -0.25, 0.125]);
  const x = numbers(8);
  const whole = learned.run(x).h.data;
  const stream = learned.stream();
  expect(Float32Array.from([...stream.push(x.subarray(0, 2)).h.data, ...stream.push(x.subarray(2)).h.data])).toEqual(whole);
  expect(learned.run(x, { initial: { h: [0.5, -0.25, 0.125] } }).h.data).toEqual(whole);
  expect(learned.run(x, { initial: { h: [0, 0, 0] } }).h.data).not.toEqual(whole);
  const given = createModel(compile("cell(x, s) → h\n  h = tanh(W·x + U·h[t-1])\n  where h[0] = s, s : static"), { sizes: { D: 2, H: 3 }, seed: 3 });
  for (const name of ["W", "U"]) given.assign(name, learned.weight(name).data);
  expect(given.run({ x, s: [0.5, -0.25, 0.125] }).h.data).toEqual(whole);
  expect(() => given.stream()).toThrow(/the state h begins with the input s; give its first value, initial: \{ h: … \}/);
  expect(given.stream({ initial: { h: [0.5, -0.25, 0.125] } }).push({ x }).h.data).toEqual(whole);
});

test("gates come by name, clamps hold them, unknown names are answered with those there are", () => {
  const one = model();
  const x = numbers(6 * 3);
  const { i, f } = one.gates(x);
  expect(i.shape).toEqual([6, 5]);
  expect([...i.data, ...f.data].every((value) => value > 0 && value < 1)).toBe(true);
  const held = one.run(x, { outputs: ["i", "h"], clamps: { i: 0 } });
  expect(held.i.data.every((value) => value === 0)).toBe(true);
  expect(held.h.data.every((value) => value === 0)).toBe(true);
  const values = [0.1, 0.2, 0.3, 0.4, 0.5];
  expect([...one.run(x, { outputs: ["f"], clamps: { f: values } }).f.data.slice(5, 10)]).toEqual(values.map(Math.fround));
  expect(() => one.run(x, { outputs: ["q"] })).toThrow("cell has no value q; its values are i, f, c, h, o");
  expect(() => one.gates(x, ["o"])).toThrow(/cell has no gate o; its gates are i, f/);
});

test("a recorded attention matrix has the shape and the order of its definition on both devices, for one sequence and for a batch", () => {
  const text = "m(x) → y\n  a[n,s] = softmax_s((Q[n]·x)·(K[n]·x[s]))\n  y = Σ_n Σ_s a[n,s] * (V[n]·x[s])\n  where s ≤ t, n ∈ 1..3";
  const attend = (device: Model["device"]): Model => createModel(compile(text), { sizes: { D: 2, H: 4, H2: 2 }, seed: 3, device });
  for (const batch of [1, 2]) {
    const x = { data: numbers(5 * batch * 2), shape: batch === 1 ? [5, 2] : [5, batch, 2] };
    const [kernel, defined] = devices.map((device) => attend(device).run({ x }, { outputs: ["a"] }).a);
    expect(kernel.shape).toEqual(batch === 1 ? [5, 3, 5] : [5, batch, 3, 5]);
    expect(defined.shape).toEqual(kernel.shape);
    kernel.data.forEach((value, i) => expect(value).toBeCloseTo(defined.data[i], 5));
  }
});

test("new parameters reach runs and open streams", () => {
  const one = model();
  const x = numbers(3);
  const stream = one.stream();
  const before = [...stream.step(x)];
  one.assign("V", new Float32Array(15));
  stream.reset();
  expect([...stream.step(x)]).not.toEqual(before);
  expect(one.run(x).o.data.every((value) => value === 0)).toBe(true);
  expect(() => one.assign("V", [1, 2])).toThrow("V needs 15 numbers (shape [3, 5]), but 2 were given");
});

test("a file alone gives back the same model; a broken one says what is wrong", () => {
  const one = model();
  const bytes = one.toBytes();
  const back = loadModel(bytes);
  expect(back.parameters).toEqual(one.parameters);
  expect(back.toBytes()).toEqual(bytes);
  const x = numbers(12);
  expect(back.run(x)).toEqual(one.run(x));
  expect(() => loadModel(bytes.subarray(0, bytes.length - 4))).toThrow(/damaged|cut short/);
  const text = new TextDecoder("latin1").decode(bytes);
  const edited = (from: string, to: string): Uint8Array => Uint8Array.from(text.replace(from, to), (character) => character.charCodeAt(0));
  expect(() => loadModel(edited('"format":"sluice"', '"format":"sluces"'))).toThrow(/holds tensors but no equations/);
  expect(() => loadModel(edited('\\"H\\":5', '\\"H\\":4'))).toThrow(/has the shape/);
});

test("a file holds the blocks of the library that its equations call, or hand to others", () => {
  const text = "layer(mix, x) → y\n  y = x + mix(rms_norm(x))\n\nmodel(x) → y\n  y = layer(attention, x)\n  where x ∈ ℝ^4";
  const compiled = compile(text);
  const sizes = Object.fromEntries(compiled.network!.sizes.flatMap(({ name, free, value }) => (free && value === undefined ? [[name, 2]] : [])));
  const one = createModel(compiled, { sizes });
  const x = numbers(3 * 4);
  expect(loadModel(one.toBytes()).run(x)).toEqual(one.run(x));
});

test("no damage to a file makes an internal error", () => {
  const bytes = model("wasm", 2).toBytes();
  const load = (damaged: Uint8Array): void => {
    try {
      loadModel(damaged);
    } catch (error) {
      expect(error).toBeInstanceOf(SluiceError);
    }
  };
  for (let length = 0; length < bytes.length; length += 61) load(bytes.subarray(0, length));
  const random = createRandom(8);
  for (let round = 0; round < 150; round++) {
    const damaged = bytes.slice();
    for (let k = 0; k < 3; k++) damaged[random.integer(bytes.length)] = random.integer(256);
    load(damaged);
  }
});

test("a text with errors is used only by mistake, and that mistake shows its report", () => {
  const broken = compile("cell(x) → h\n  h = tanh(W·x + U·q[t-1]");
  expect(broken.ok).toBe(false);
  expect(() => createModel(broken)).toThrow(broken.report());
  expect(() => createModel(cell, { sizes: { D: 3 } })).toThrow(/the size H has no value.*give one/);
  expect(() => createModel(cell, { sizes: { D: 3, H: 2, Q: 1 } })).toThrow(/Q is not a size of cell, which has/);
  expect(() => createModel(cell, { sizes: { D: 3, H: 1.5 } })).toThrow(/whole number/);
  expect(() => createModel(cell, { sizes: { D: 3, H: 10_000_000 } })).toThrow(/cell would have 3.0e\+14 weights/);
});
