/**
 * What must hold of a random program: kernels of every kind against the interpreter, gradients against differences, places in a batch, streams, spellings.
 *
 * In: a seed. Out: nothing, or an error with the seed and the text. Each check can be run alone.
 */
import { analyze, lower } from "../../src/compile.ts";
import { whyNotCarried } from "../../src/ir/network/carrying.ts";
import { printEquation } from "../../src/ir/network/print.ts";
import type { Variant } from "../../src/ir/network/variant.ts";
import type { Graph } from "../../src/ir/tensor/node.ts";
import { printFile } from "../../src/ir/syntax/print.ts";
import { createRandom } from "../../src/support/random.ts";
import { wasmFeatures } from "../../src/runtime/wasm/probe.ts";
import type { ThreadPool } from "../../src/runtime/wasm/threads.ts";
import { interpretGraph, load, type Outputs, runLoaded } from "./execute.ts";
import { arraysOf, compare, moved, setAhead, setLengths, type Subject, subject } from "./random-subject.ts";

/** The derivative along one random direction of everything at once, against a difference of the loss without any gradient in the graph. */
function differenceAgrees(seed: number, { network: whole, variant: given, arrays, steps, program }: Subject, gradients: Outputs): void {
  // What stop_gradient leaves out no difference can tell; without it all rules are seen.
  const isStopped = program.text.includes("stop_gradient(");
  const network = isStopped ? analyze({ name: `program-${seed}`, text: program.text.replaceAll("stop_gradient(", "(") }).network! : whole;
  // Gates without a name of their own are named after their place, which may be another.
  const has = (name: string): boolean => name === "loss_steps" || network.values.some((value) => value.name === name);
  const variant: Variant = { ...given, outputs: given.outputs.filter(has) };
  const results = isStopped ? interpretGraph(lower(network, variant).graph, arrays, steps) : gradients;
  const random = createRandom(seed + 4_000_000);
  const { gradient: _, ...forward } = variant;
  const { graph } = lower(network, forward);
  const directions = new Map<string, Float64Array>();
  const real = network.inputs.filter(({ type }) => type === "real");
  for (const { name } of [...network.weights, ...real])
    directions.set(
      name,
      Float64Array.from(arrays.get(name)!, () => random.uniform(-1, 1)),
    );
  let derivative = 0;
  for (const [name, direction] of directions)
    for (let i = 0; i < direction.length; i++) derivative += direction[i] * (results[`gradient:${name}`]?.[i] ?? 0);
  const loss = (step: number): number => {
    const changed = new Map(arrays);
    for (const [name, direction] of directions)
      changed.set(
        name,
        Float64Array.from(arrays.get(name)!, (value, i) => value + step * direction[i]),
      );
    setAhead(changed, network, steps);
    const outputs = interpretGraph(graph, changed, steps);
    let sum = 0;
    for (const name of forward.outputs) for (let i = 0; i < outputs[name].length; i++) sum += outputs[name][i] * arrays.get(`cotangent:${name}`)![i];
    return sum;
  };
  // A kink between two points of a stencil spoils it; a narrower stencil rarely straddles it too.
  let difference = Number.NaN;
  for (const step of [1e-4, 1e-6, 1e-5]) {
    difference = (8 * (loss(step) - loss(-step)) - (loss(2 * step) - loss(-2 * step))) / (12 * step);
    if (Math.abs(difference - derivative) <= 1e-13 / step + 1e-6 * Math.abs(derivative) + 1e-9) return;
  }
  throw new Error(`program ${seed}: the derivative ${derivative} disagrees with the difference ${difference}\n${program.text}`);
}

function sameBits(seed: number, got: Outputs, want: Outputs, what: string, text: string): void {
  for (const [name, values] of Object.entries(want))
    for (let i = 0; i < values.length; i++)
      if (!Object.is(got[name][i], values[i])) throw new Error(`program ${seed}, ${name}[${i}] ${what}: ${got[name][i]} and ${values[i]}\n${text}`);
}

/** Outputs and gradients: kernels against the interpreter, for some seeds against differences, in the other kinds of code, and on two threads to the bit. */
export function checkKernels(seed: number, pool: ThreadPool, each = subject(seed)): void {
  const { program, network, variant, steps, arrays } = each;
  const { graph, stages } = lower(network, variant);
  const want = interpretGraph(graph, arrays, steps);
  const unsimplified = interpretGraph(stages[1].graph, arrays, steps);
  compare(seed, unsimplified, want, [], program.text);
  if (seed % 3 === 0) differenceAgrees(seed, each, want);
  const random = createRandom(seed);
  const others: Outputs[] = [];
  const measure = (count: number): void => {
    for (let i = 0; i < count; i++) others.push(interpretGraph(graph, moved(arrays, random), steps));
  };
  measure(4);
  const agrees = (got: Outputs, text: string): void => {
    try {
      compare(seed, got, want, others, text);
    } catch (error) {
      if (others.length > 4) throw error;
      measure(28); // a few samples may all miss what is most sensitive
      compare(seed, got, want, others, text);
    }
  };
  const plain = runLoaded(load(network, variant, arrays, steps + 2, graph), arrays, steps);
  agrees(plain, program.text);
  if (seed % 6 === 1) {
    const kind = { fused: wasmFeatures().relaxedSimd, tileRows: 6 };
    agrees(runLoaded(load(network, variant, arrays, steps + 2, graph, kind), arrays, steps), `with tiles of 6 rows\n${program.text}`);
  }
  if (seed % 6 === 5)
    sameBits(seed, runLoaded(load(network, variant, arrays, steps + 2, graph, { pool }), arrays, steps), plain, "on two threads", program.text);
}

/** Both spellings read as the same program, and print as they were. */
export function checkSpelling(seed: number, { program, network } = subject(seed)): void {
  const said = (text: string): { readonly network: string; readonly unicode: string; readonly ascii: string } => {
    const source = { name: `program-${seed}`, text };
    const { network: found, file, diagnostics } = analyze(source);
    if (found === undefined) throw new Error(`program ${seed}, printed: ${JSON.stringify(diagnostics)}\n${text}`);
    // Places in the text, and reasons that quote it, are another text's.
    const placeless = (key: string, value: unknown): unknown => (["span", "reasons", "text"].includes(key) ? undefined : value);
    const { sizes, weights, inputs, states, recurrences } = found;
    const meaning = {
      sizes,
      weights,
      inputs,
      states,
      recurrences,
      equations: found.equations.map((each) => printEquation({ ...each, text: undefined })),
    };
    return { network: JSON.stringify(meaning, placeless), unicode: printFile(file), ascii: printFile(file, { spelling: "ascii", source }) };
  };
  const first = said(program.text);
  for (const text of [first.unicode, first.ascii]) {
    const again = said(text);
    for (const part of ["network", "unicode"] as const)
      if (again[part] !== first[part])
        throw new Error(`program ${seed}: ${part} of the printed text is\n${again[part]}\nnot\n${first[part]}\n${text}`);
  }
  if (network.values.length === 0) throw new Error(`program ${seed} defines nothing`);
}

/** Picks examples of a batch out of an array [steps, batch, …] or [batch, …]. */
function examples(
  values: Float64Array | Int32Array | Float32Array,
  outer: number,
  batch: number,
  chosen: readonly number[],
): Float64Array | Int32Array {
  const row = values.length / (outer * batch);
  const length = outer * chosen.length * row;
  const result = values instanceof Int32Array ? new Int32Array(length) : new Float64Array(length);
  for (let t = 0; t < outer; t++) {
    chosen.forEach((b, k) => {
      result.set(values.subarray((t * batch + b) * row, (t * batch + b + 1) * row), (t * chosen.length + k) * row);
    });
  }
  return result;
}

/**
 * True if the order of some sum may depend on the batch: over several axes at once, without a batch, or where the batch does not lie outermost. What follows
 * from such a sum has other last digits in another batch.
 */
function hasOtherOrders({ nodes, axes: sizes }: Graph): boolean {
  return nodes.some(({ axes, op, attributes }) => {
    const over = attributes.over ?? [];
    const isPaired = axes.filter((axis) => sizes.get(axis) === "T").length > 1;
    return (
      (over.length > 1 && !over.includes("b")) ||
      (op === "contract" && !axes.includes("b") && !over.includes("b")) ||
      (!isPaired && axes.indexOf("b") > (axes[0] === "t" ? 1 : 0)) ||
      (attributes.scan !== undefined && hasOtherOrders(attributes.scan.body))
    );
  });
}

/** Lengths of the sums of products: without padding to mask, products that share an operand or a sum may become one. */
function productsIn({ nodes, axes }: Graph): string {
  const own = nodes.flatMap(({ op, attributes }) =>
    op === "contract" ? [(attributes.over ?? []).map((axis) => String(axes.get(axis))).join("×")] : [],
  );
  return [...own, ...nodes.flatMap(({ attributes }) => (attributes.scan === undefined ? [] : [productsIn(attributes.scan.body)]))].sort().join(" ");
}

/** Padded, alone and anywhere in a batch: the same bits, but for the last digits where the order of a sum may depend on the batch. */
export function checkPlaces(seed: number, { program, network, variant: drawn, steps, arrays } = subject(seed)): void {
  if (drawn.mode === "train") return; // a mask of dropout depends on the place in the batch
  const batch = 3;
  const perStep = network.inputs.map(({ name, perStep: given }) => ({ name, given }));
  const inputs = network.inputs.filter(({ type }) => type === "real").map(({ name }) => name);
  const gradients = inputs.map((name) => `gradient:${name}`);
  const isGiven = (name: string): boolean => perStep.find((each) => each.name === name)!.given;
  // Pairs of steps have other places in a longer run.
  const isPaired = (name: string): boolean =>
    network.equations
      .find((each) => each.name === name)!
      .indices.some((path) => network.indices.find((index) => index.name === path)!.kind === "time");
  const random = createRandom(seed + 2_000_000);
  const variant: Variant = { ...drawn, batch, lengths: true, outputs: drawn.outputs.filter((name) => name === "loss_steps" || !isPaired(name)) };
  const all = arraysOf(network, variant, steps, random);
  for (const { name } of network.weights) all.set(name, arrays.get(name)!);
  setLengths(
    all,
    Int32Array.from({ length: batch }, (_, b) => Math.max(1, steps - b)),
    steps,
  );
  setAhead(all, network, steps);
  const batched = load(network, variant, all, steps + 1);
  const alone = load(network, { ...variant, batch: 1, lengths: false }, all, steps);
  const slack = hasOtherOrders(alone.graph) || hasOtherOrders(batched.graph) ? 1e-5 : 0;
  const { gradient: _, ...forward } = variant;
  const isAlike = productsIn(lower(network, forward).graph) === productsIn(lower(network, { ...forward, lengths: false }).graph);
  const aloneWithLength = load(network, { ...variant, batch: 1 }, all, steps);
  const together = runLoaded(batched, all, steps);
  const chosenOf = (chosen: readonly number[], length: number): Map<string, Float64Array | Int32Array> => {
    const part = new Map<string, Float64Array | Int32Array>();
    for (const { name, given } of perStep) part.set(name, examples(all.get(name)!, given ? steps : 1, batch, chosen));
    for (const name of variant.outputs) part.set(`cotangent:${name}`, examples(all.get(`cotangent:${name}`)!, steps, batch, chosen));
    if (variant.reset) part.set("reset", examples(all.get("reset")!, steps, batch, chosen));
    for (const [name, values] of part) {
      const whole = name !== "reset" && !name.startsWith("cotangent:") && !isGiven(name);
      if (!whole) part.set(name, values.subarray(0, (values.length / steps) * length));
    }
    setAhead(part, network, length);
    return part;
  };
  const check = (
    got: Outputs,
    length: number,
    chosen: readonly number[],
    what: string,
    slack: number,
    names: readonly string[] = [...variant.outputs, ...gradients],
  ): void => {
    for (const name of names) {
      const once = gradients.includes(name) && !isGiven(name.slice("gradient:".length));
      const want = examples(together[name], once ? 1 : steps, batch, chosen);
      const compared = once ? want : want.subarray(0, (want.length / steps) * length);
      const near = slack * Math.max(1, ...Array.from(compared, Math.abs));
      for (let i = 0; i < compared.length; i++) {
        const same = Object.is(Math.fround(got[name][i]) + 0, compared[i] + 0) || Math.abs(got[name][i] - compared[i]) < near;
        if (!same) throw new Error(`program ${seed}, ${name}[${i}] ${what}: ${got[name][i]} and ${compared[i]}\n${program.text}`);
      }
    }
  };
  for (let b = 0; b < batch; b++) {
    const length = Math.max(1, steps - b);
    const part = chosenOf([b], length);
    // Without lengths there is no mask, so gradients are other sums: only the outputs must have the same bits.
    check(runLoaded(alone, part, length), length, [b], `alone (example ${b})`, isAlike ? slack : 1e-5, variant.outputs);
    setLengths(part, Int32Array.of(length), length);
    check(runLoaded(aloneWithLength, part, length), length, [b], `alone with its length (example ${b})`, slack);
  }
  const order = [2, 0, 1];
  const turned = chosenOf(order, steps);
  setLengths(
    turned,
    Int32Array.from(order, (b) => Math.max(1, steps - b)),
    steps,
  );
  setAhead(turned, network, steps);
  check(runLoaded(batched, turned, steps), steps, order, "in another place", 0);
}

/** Documents one after the other with `reset` at their first steps: the outputs and gradients of the documents by themselves, in float64. */
export function checkDocuments(seed: number, { program, network, variant: drawn, arrays }: Subject = subject(seed)): void {
  const isPaired = (name: string): boolean =>
    name !== "loss_steps" &&
    network.equations
      .find((each) => each.name === name)!
      .indices.some((path) => network.indices.find((index) => index.name === path)!.kind === "time");
  const outputs = drawn.outputs.filter((name) => !isPaired(name));
  const lengths = [2, 3, 1];
  const steps = lengths.reduce((sum, length) => sum + length);
  const joined: Variant = { ...drawn, batch: 1, mode: "evaluate", lengths: false, reset: true, outputs };
  const all = arraysOf(network, joined, steps, createRandom(seed + 5_000_000));
  for (const { name } of network.weights) all.set(name, arrays.get(name)!);
  const begins = lengths.map((_, k) => lengths.slice(0, k).reduce((sum, length) => sum + length, 0));
  all.set(
    "reset",
    Float64Array.from({ length: steps }, (_, t) => (begins.includes(t) ? 1 : 0)),
  );
  const got = interpretGraph(lower(network, joined).graph, all, steps);
  const { graph } = lower(network, { ...joined, reset: false });
  const isPerStep = (name: string): boolean => network.inputs.some((each) => each.name === name && each.perStep);
  const want: Record<string, Float64Array> = {};
  lengths.forEach((length, k) => {
    const part = new Map<string, Float64Array | Int32Array>(all);
    const rows = (values: Float64Array | Int32Array): Float64Array | Int32Array =>
      values.subarray((values.length / steps) * begins[k], (values.length / steps) * (begins[k] + length));
    for (const [name, values] of all) if (isPerStep(name) || name.startsWith("cotangent:")) part.set(name, rows(values));
    setAhead(part, network, length);
    for (const [name, values] of Object.entries(interpretGraph(graph, part, length))) {
      want[name] ??= new Float64Array(got[name].length);
      const isSequence = !name.startsWith("gradient:") || isPerStep(name.slice("gradient:".length));
      const from = isSequence ? (got[name].length / steps) * begins[k] : 0;
      for (let i = 0; i < values.length; i++) want[name][from + i] += values[i];
    }
  });
  for (const [name, values] of Object.entries(want)) {
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    for (let i = 0; i < values.length; i++) {
      if (!(Math.abs(got[name][i] - values[i]) <= 1e-9 * largest + 1e-12))
        throw new Error(`program ${seed}, ${name}[${i}] of joined documents: ${got[name][i]}, alone ${values[i]}\n${program.text}`);
    }
  }
}

/** Streamed in chunks: the same bits. False if the program cannot be streamed. */
export function checkStream(seed: number, { program, network, variant: drawn, arrays } = subject(seed)): boolean {
  if (!program.causal || program.givenStates || whyNotCarried(network) !== undefined) return false;
  const steps = 7;
  const variant: Variant = { ...drawn, mode: "evaluate", initial: "carried", lengths: false, reset: false, gradient: undefined };
  const all = arraysOf(network, variant, steps, createRandom(seed + 3_000_000));
  for (const { name } of network.weights) all.set(name, arrays.get(name)!);
  const { graph } = lower(network, variant);
  const begin = (capacity: number) => {
    const loaded = load(network, variant, all, capacity, graph);
    for (const [name, view] of loaded.executable.buffers) if (name.startsWith("state:")) view.fill(0);
    return loaded;
  };
  const whole = runLoaded(begin(steps), all, steps);
  const stream = begin(3);
  let at = 0;
  for (const length of [2, 1, 3, 1]) {
    const chunk = new Map<string, Float64Array | Int32Array>();
    for (const { name, perStep } of network.inputs) {
      const values = all.get(name)!;
      const row = values.length / steps;
      chunk.set(name, perStep ? values.subarray(at * row, (at + length) * row) : values);
    }
    const got = runLoaded(stream, chunk, length);
    for (const name of variant.outputs) {
      const row = whole[name].length / steps;
      for (let i = 0; i < got[name].length; i++) {
        if (!Object.is(got[name][i], whole[name][at * row + i]))
          throw new Error(`program ${seed}, ${name} at step ${at}: ${got[name][i]} and ${whole[name][at * row + i]}\n${program.text}`);
      }
    }
    at += length;
  }
  return true;
}
