/**
 * Every mechanism exported: the bits of the library, for sequences of different lengths, one longer than a program has room for at once, and for gates.
 */
import { expect, test } from "vitest";
import { MECHANISMS } from "../../src/mechanisms/index.ts";
import { compile } from "../../src/model/compiled.ts";
import { exportModel } from "../../src/model/exported/bundle.ts";
import { openExported } from "../../src/model/exported/open.ts";
import type { RunResult } from "../../src/model/model.ts";
import { createModel } from "../../src/model/model.ts";
import { createRandom } from "../../src/support/random.ts";
import { mechanismSubject } from "./mechanism-subject.ts";

const STEPS = 140;

/** Same names, shapes and bits; far quicker to compare than arrays of numbers. */
function differences(a: RunResult, b: RunResult): string[] {
  if (Object.keys(a).join() !== Object.keys(b).join()) return ["names"];
  return Object.keys(a).flatMap((name) => {
    if (a[name].shape.join() !== b[name].shape.join()) return [`${name}: [${a[name].shape}] and [${b[name].shape}]`];
    const at = a[name].data.findIndex((value, i) => !Object.is(value, b[name].data[i]));
    return at === -1 ? [] : [`${name} at ${at}: ${a[name].data[at]} and ${b[name].data[at]}`];
  });
}

test.each(Object.entries(MECHANISMS))("%s", (name, text) => {
  const { sizes } = mechanismSubject(name, text).variant;
  const compiled = compile(text);
  const free = Object.fromEntries(
    compiled.network!.sizes.flatMap((size) => (size.free && size.value === undefined ? [[size.name, sizes[size.name]]] : [])),
  );
  const model = createModel(compiled, { sizes: free, seed: 7 });
  const { description, code, weights } = exportModel(model, { gates: true });
  const shipped = openExported(JSON.parse(JSON.stringify(description)), (file) => code.get(file)!, weights);
  expect(description.programs.every(({ initial, growth }) => initial === "carried" || growth !== undefined)).toBe(true);

  const random = createRandom(3);
  const inputs = Object.fromEntries(
    description.network.inputs.map(({ name: input, type, shape, range, perStep, perExample }) => {
      const item = shape.map((size) => size.terms[0].coefficient);
      const whole = [...(perStep ? [STEPS] : []), ...(perExample ? [2] : []), ...item];
      const length = whole.reduce((product, size) => product * size, 1);
      const next = type === "real" ? () => random.normal() : () => random.integer(range?.terms[0].coefficient ?? 2);
      return [input, { data: Array.from({ length }, next), shape: whole }];
    }),
  );
  const lengths = [STEPS, 3];
  expect(differences(shipped.run(inputs, { lengths }), model.run(inputs, { lengths }))).toEqual([]);
  if (model.network.gates.length > 0) expect(differences(shipped.gates(inputs), model.gates(inputs))).toEqual([]);
});
