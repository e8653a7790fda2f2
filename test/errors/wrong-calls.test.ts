/**
 * Calls of the public API with something missing, or of another kind than it can be: each is refused at once by a `SluiceError` that says what is wrong, never
 * by an error of the engine, and never ignored.
 */
import { expect, test } from "vitest";
import {
  compile,
  createModel,
  encodeText,
  equivalentAttention,
  evaluate,
  findTask,
  fromLatex,
  jsonLinesDataset,
  loadModel,
  type Model,
  pianoRollDataset,
  readTable,
  record,
  type SluiceError,
  tableForecast,
  textDataset,
  train,
  trainEvents,
  trainInWorker,
} from "../../src/index.ts";
import { exportModel } from "../../src/model/exported/bundle.ts";
import { openExported } from "../../src/model/exported/open.ts";

/** The same functions without their types: as plain JavaScript calls them. */
// oxlint-disable-next-line typescript/no-explicit-any -- what is tested is what the types forbid
type Untyped = any;
const untyped = (value: unknown): Untyped => value;

const RNN = "rnn(x) → h\n  h = tanh(W·x + U·h[t-1])";
const CELL = "cell(x) → h\n  i = σ(W·x + U·h[t-1])\n  h = i∘h[t-1] + (1 - i)∘tanh(V·x)";
const WHOLE = "m(x, y) → p\n  h = tanh(W·x + U·h[t-1])\n  p = V·h + b\n  loss = mse(p, y)\n  where h ∈ ℝ^3, y ∈ ℝ^1, x ∈ ℝ^2";
const sizes = { D: 2, H: 3 };
const rnn: Model & Untyped = createModel(compile(RNN), { sizes });
const cell: Model & Untyped = createModel(compile(CELL), { sizes });
const whole = compile(WHOLE);
const adding = findTask("adding").dataset({ options: { length: 20 } });
const x = [[1, 2]];
const [create, load, read, text, forecast, lines, fit, measure] = [
  createModel,
  loadModel,
  readTable,
  textDataset,
  tableForecast,
  jsonLinesDataset,
  train,
  evaluate,
].map(untyped);
const table = readTable(`a,b\n${"1,2\n".repeat(300)}`);
const letters = "abc ".repeat(900);
const exported: Untyped = (() => {
  const { description, code, weights } = exportModel(rnn);
  return openExported(description, (name) => code.get(name)!, weights);
})();

/** What is called, and what its error says. */
const CASES: Readonly<Record<string, readonly [() => unknown, RegExp]>> = {
  // An option that there is not, with the nearest.
  "run, option": [() => rnn.run({ x }, { lenghts: [1] }), /^E462 run has no option lenghts; did you mean lengths\? its options are lengths, batch, /],
  "gates, option": [() => cell.gates({ x }, ["i"], { rest: [1] }), /^E462 run has no option rest; did you mean reset\?/],
  "stream, option": [() => rnn.stream({ bath: 2 }), /^E462 stream has no option bath; did you mean batch\?/],
  "exported run, option": [() => exported.run({ x }, { lenght: [1] }), /^E462 run of an exported model has no option lenght; did you mean lengths\?/],
  "exported stream, option": [() => exported.stream({ out: ["h"] }), /^E462 stream has no option out; its options are batch, outputs, initial/],
  "create, option": [() => create(compile(RNN), { size: sizes }), /^E462 createModel has no option size; did you mean sizes\?/],
  "load, option": [() => load(rnn.toBytes(), { fusd: true }), /^E462 loadModel has no option fusd; did you mean fused\?/],
  "compile, option": [() => untyped(compile)(RNN, { Main: "rnn" }), /^E462 compile has no option Main; did you mean main\?/],
  "train, option": [() => fit(whole, adding, { stepz: 1 }), /^E462 train has no option stepz, and m has no such size .*did you mean steps\?/],
  "train in a worker, option": [
    () => untyped(trainInWorker)(whole, { kind: "task", name: "adding" }, { metrics: [] }),
    /^E462 trainInWorker has no option metrics/,
  ],
  "train in a worker, data": [() => untyped(trainInWorker)(whole, { kind: "tsk" }), /^E462 there is no kind of data “tsk”; did you mean task\?/],
  "optimizer, constant": [
    () => fit(whole, adding, { steps: 1, optimizer: { kind: "adam", weightDecay: 0.1 } }),
    /^E462 the optimizer adam has no option weightDecay; its/,
  ],
  "learning rate, kind": [
    () => fit(whole, adding, { steps: 1, learningRate: { kind: "cosin", rate: 0.1 } }),
    /^E462 there is no learning rate “cosin”; did you/,
  ],
  "learning rate, number": [
    () => fit(whole, adding, { steps: 1, learningRate: { kind: "cosine", rate: 0.1, warmup: 2 } }),
    /^E462 the learning rate cosine has no option warmup; did you mean warmUp\?/,
  ],
  "evaluate, option": [() => measure(createModel(whole), adding.test, { batchs: 3 }), /^E462 evaluate has no option batchs; did you mean batches\?/],
  "text, option": [() => text(letters, { windows: 4 }), /^E462 textDataset has no option windows; did you mean window\?/],
  "table, option": [() => read("a,b\n1,2\n", { decimals: "," }), /^E462 readTable has no option decimals; did you mean decimal\?/],
  "forecast, option": [() => forecast(table, { colums: ["a"] }), /^E462 tableForecast has no option colums; its options are target, inputs, /],
  "lines, option": [
    () => lines('{"x": [[1]], "y": 1}\n'.repeat(30), { type: {} }),
    /^E462 jsonLinesDataset has no option type; did you mean types\?/,
  ],
  "piano roll, option": [() => untyped(pianoRollDataset)({ splits: {} }, { batches: 3 }), /^E462 pianoRollDataset has no option batches; did/],
  "task, option": [
    () => untyped(findTask("adding")).dataset({ length: 5 }),
    /^E462 the dataset of adding has no option length; its options are options, /,
  ],
  "attention, option": [
    () => untyped(equivalentAttention)(rnn, { outpt: "h" }),
    /^E462 equivalentAttention has no option outpt; did you mean output\?/,
  ],
  // Options that are none.
  "run, options a number": [() => rnn.run({ x }, 5), /^E462 the options of run must be an object, { lengths: … }, not 5/],
  "run, options null": [() => rnn.run({ x }, null), /^E462 the options of run must be an object, .* not null/],
  "train, options null": [() => fit(whole, adding, null), /^E462 the options of train must be an object/],
  // Steps of a stream.
  "step, nothing": [() => rnn.stream().step(), /^E456 a step needs its inputs, step\({ x: … }\), not nothing/],
  "step, null": [() => rnn.stream().step(null), /^E456 .* not null/],
  "step, a text": [() => rnn.stream().step("ab"), /^E456 .* not a string/],
  "step, texts": [() => rnn.stream().step(["1", "2"]), /^E457 the input x\[0\] is a string; it must be a finite number/],
  "step, a hole": [() => rnn.stream().step([1, null]), /^E457 the input x\[1\] is null/],
  "step, big integers": [() => rnn.stream().step(new BigInt64Array(2)), /^E457 the input x\[0\] is a bigint/],
  "step, null by name": [() => rnn.stream().step({ x: null }), /^E455 the input x needs 2 numbers for a step, but null were given/],
  "step, another name": [() => rnn.stream().step({ z: [1, 2] }), /^E456 the input x is missing/],
  "push, nothing": [() => rnn.stream().push(), /^E456 the inputs must be arrays by name, { x: … }, not nothing/],
  "restore, nothing": [() => rnn.stream().restore(), /^E461 the saved state of a stream is what/],
  "restore, not finite": [() => rnn.stream().restore({ position: 1, states: { h: [1, 2, Number.NaN] } }), /^E461 .* h needs 3 finite numbers/],
  // Runs.
  "run, nothing": [() => rnn.run(), /^E456 .* not nothing/],
  "run, null": [() => rnn.run(null), /^E456 .* not null/],
  "run, big integers": [() => rnn.run(new BigInt64Array(2)), /^E457 the input x\[0\]\[0\] is a bigint/],
  "run, no data": [() => rnn.run({ x: { data: undefined, shape: [1, 2] } }), /^E455 the input x must have its numbers in `data`/],
  "run, no shape": [() => rnn.run({ x: { data: [1, 2], shape: 2 } }), /^E455 the input x must have its numbers in `data`/],
  "run, shape not a number": [() => rnn.run({ x: { data: [1, 2], shape: [Number.NaN] } }), /^E455/],
  "run, outputs a name": [() => rnn.run({ x }, { outputs: "h" }), /^E462 the values wanted must be a list of names, \["h"\], not a string/],
  "run, outputs numbers": [() => rnn.run({ x }, { outputs: [5] }), /^E462 the values wanted must be a list of names/],
  "run, record a name": [() => rnn.run({ x }, { record: "h" }), /^E462 record must be a list of names/],
  "run, lengths a number": [() => rnn.run({ x }, { lengths: 5 }), /^E462 lengths must be a list with one number for each sequence, not 5/],
  "run, batch not a number": [
    () => rnn.run({ x: new Float32Array(4) }, { batch: Number.NaN }),
    /^E462 batch must be a whole number of at least 1, not NaN/,
  ],
  "run, batch a text": [() => rnn.run({ x: new Float32Array(4) }, { batch: "2" }), /^E462 batch must be .* not a string/],
  "run, initial a number": [() => rnn.run({ x }, { initial: 5 }), /^E462 initial must be states by name/],
  "run, initial null": [() => rnn.run({ x }, { initial: null }), /^E462 initial must be states by name/],
  "run, clamps a number": [() => rnn.run({ x }, { clamps: 5 }), /^E462 clamps must be values by name/],
  "run, clamp a word": [() => rnn.run({ x }, { clamps: { h: "open" } }), /^E457 h cannot be held at a string; give finite numbers, or "frozen"/],
  "run, clamp not finite": [() => rnn.run({ x }, { clamps: { h: [Number.NaN, 1, 2] } }), /^E457 h cannot be held at NaN/],
  "run, reset not a mark": [() => rnn.run({ x }, { reset: [5] }), /^E457 reset must be 1 where a document begins/],
  "gates, a name": [() => cell.gates({ x }, "i"), /^E462 the gates wanted must be a list of names, \["i"\], not a string/],
  "gates, options for names": [() => cell.gates({ x }, { lengths: [1] }), /^E462 the gates wanted must be a list of names/],
  // Models.
  "create, nothing": [() => create(), /^E462 the equations must be compiled first, compile\(text\), not nothing/],
  "create, a text": [() => create(RNN), /^E462 the equations must be compiled first/],
  "create, sizes null": [() => create(compile(RNN), { sizes: null }), /^E462 sizes must be numbers by name, { H: 32 }, not null/],
  "create, a size not a number": [() => create(compile(RNN), { sizes: { D: Number.NaN, H: 3 } }), /^E450 the size D .* not NaN/],
  "create, a size missing": [() => create(compile(RNN), { sizes: { D: undefined, H: 3 } }), /^E450 the size D .* not nothing/],
  "create, device": [() => create(compile(RNN), { sizes, device: "gpu" }), /^E462 there is no device “gpu”; there are wasm, interpreter/],
  "compile, nothing": [() => untyped(compile)(), /^E462 <equations> must be a text, or { name, text }, not nothing/],
  "LaTeX, nothing": [() => untyped(fromLatex)(), /^E462 <latex> must be a text/],
  "assign, nothing": [() => rnn.assign("W"), /^E459 W needs 6 numbers \(shape \[3, 2\]\), but nothing were given/],
  "assign, texts": [() => rnn.assign("W", ["1", "2", "3", "4", "5", "6"]), /^E457 W cannot have the value a string at position 0/],
  "load, nothing": [() => load(), /^E462 the bytes of a model must be a Uint8Array/],
  "load, a buffer": [() => load(new ArrayBuffer(8)), /^E462 .* \(of an ArrayBuffer: new Uint8Array\(buffer\)/],
  "save, nothing": [() => rnn.save(), /^E462 the path of a model file must be a text/],
  // Training and data.
  "train, a text": [() => fit(WHOLE, adding), /^E462 the equations must be compiled first/],
  "train, no data": [() => fit(whole), /^E462 what is trained on must be a dataset, .* not nothing/],
  "train, a part": [() => fit(whole, adding.train), /^E462 what is trained on must be a dataset/],
  "train, sizes a number": [() => fit(whole, adding, { sizes: 5 }), /^E462 sizes must be numbers by name/],
  "train, a size a text": [() => fit(compile(WHOLE.replace("^3", "^H")), adding, { H: "5", steps: 1 }), /^E450 the size H .* not a string/],
  "train, metrics": [() => fit(whole, adding, { steps: 1, metrics: "accuracy" }), /^E462 metrics must be a list/],
  "train, a callback": [() => fit(whole, adding, { steps: 1, onStep: 5 }), /^E462 onStep must be a function, not 5/],
  "events of training, option": [() => untyped(trainEvents)(whole, adding, { stepz: 1 }).next(), /^E462 train has no option stepz/],
  "evaluate, a dataset": [() => measure(createModel(whole), adding), /^E462 the data must be a part of a dataset, such as dataset.test/],
  "evaluate, no batches": [() => measure(createModel(whole), adding.test, { batches: Number.NaN }), /^E462 batches must be a whole number/],
  "record, a name": [() => untyped(record)(createModel(whole), adding.test, "h"), /^E462 the values recorded must be a list of names/],
  "text, nothing": [() => text(), /^E462 the text must be a text, or { train, valid, test }, not nothing/],
  "text, unit": [() => text(letters, { unit: "char" }), /^E462 there is no unit “char”; there are character, word/],
  "text, sampling": [() => text(letters, { sampling: "stream" }), /^E462 there is no sampling “stream”; did you mean streams\?/],
  "encode, nothing": [() => untyped(encodeText)(textDataset(letters).record), /^E462 what is encoded must be a text, not nothing/],
  "table, nothing": [() => read(), /^E462 a table must be the text of a file, not nothing/],
  "forecast, a text": [() => forecast("a,b\n1,2\n"), /^E462 what is forecast must be a table, readTable\(text\), not a string/],
  "forecast, missing": [() => forecast(table, { missing: "fill" }), /^E462 there is no policy for missing values “fill”; there are error, drop, /],
  "forecast, inputs a name": [() => forecast(table, { inputs: "a" }), /^E462 inputs must be a list of names, \["a"\]/],
  "lines, nothing": [() => lines(), /^E462 the lines must be a text, or { train, valid, test }, not nothing/],
  "task, nothing": [() => untyped(findTask)(), /^E441 there is no task/],
};

test.each(Object.keys(CASES))("%s", async (name) => {
  const [call, says] = CASES[name];
  const error = await Promise.resolve()
    .then(call)
    .then(
      () => expect.unreachable("it was accepted"),
      (thrown: unknown) => thrown as SluiceError,
    );
  expect(`${error.code} ${error.message}`).toMatch(says);
});
