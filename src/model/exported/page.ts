/**
 * A page that shows an exported model at work: a text it writes, a forecast of rows that can be changed, else what it gives for an example; and its gates over
 * time, where they were exported.
 *
 * In: a description and what is known of the data. Out: the text of example.html. Opened as a file it says how to serve it, for a page that is a file may not
 * load modules.
 */
import { sizeText } from "../sizes.ts";
import type { ExportDescription } from "./description.ts";
import { canStream, type ExportTexts, isText, keyOf } from "./words.ts";

const MODULE = "./model.js";
/** Symbols to write, and steps of a made-up example. */
const WRITTEN = 300;
const STEPS = 48;
/** Symbols that are read again for each new one, where the length of training is not known. */
const USUAL_WINDOW = 64;

/** Text of example.html. */
export function pageText(texts: ExportTexts): string {
  const { description, record } = texts;
  const { network } = description;
  const [names, controls, script] = isText(record)
    ? (["decode, encode, load, record", WRITER, writing(texts)] as const)
    : record?.kind === "table"
      ? (["decode, encode, load, record", ROWS, forecasting(description)] as const)
      : (["load", "", running(texts)] as const);
  return `<!doctype html>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${network.name}</title>
<link rel="icon" href="data:,">
<style>
  body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 50rem; padding: 0 1rem; }
  textarea { box-sizing: border-box; font: 14px/1.4 monospace; width: 100%; }
  pre { white-space: pre-wrap; }
  canvas { background: #eee; display: block; image-rendering: pixelated; width: 100%; }
</style>
<h1>${network.name}</h1>
${controls}<pre id="result">loading</pre>
<div id="gates"></div>
<script>
  // A page that is a file may not load modules.
  if (location.protocol === "file:")
    document.getElementById("result").textContent =
      "This page has to be served. In its folder run\\n\\n    python3 -m http.server 8000\\n\\n(or: npx http-server -p 8000) and open http://localhost:8000/example.html";
  else
    addEventListener("error", ({ target }) => {
      if (target !== window) document.getElementById("result").textContent = "model.js could not be loaded: do all files of the export lie here?";
    }, true);
</script>
<script type="module">
  import { ${names} } from ${JSON.stringify(MODULE)};

  const result = document.getElementById("result");
${GATES}${script}
  const attempt = async (work) => {
    try {
      await work();
    } catch (error) {
      result.textContent = \`\${error.code ?? ""} \${error.message}\`;
    }
  };
  let model;
  await attempt(async () => {
    model = await load();
    show();
  });
  document.getElementById("again")?.addEventListener("click", () => attempt(show));
</script>
`;
}

/** Pictures of gates: a row for each unit, a column for each time step, dark where it is open. */
const GATES = `
  function drawGates(inputs) {
    const place = document.getElementById("gates");
    place.replaceChildren();
    let gates = {};
    try {
      gates = model.gates?.(inputs) ?? {};
    } catch (error) {
      if (error.code !== "E477") throw error; // exported without --gates
    }
    for (const [name, { data, shape }] of Object.entries(gates)) {
      const steps = shape[0];
      const units = data.length / steps;
      const canvas = Object.assign(document.createElement("canvas"), { width: steps, height: units });
      canvas.style.height = \`\${Math.min(200, Math.max(16, 6 * units))}px\`;
      const pixels = new ImageData(steps, units);
      const open = data.reduce((sum, value) => sum + value, 0) / data.length;
      for (let t = 0; t < steps; t++)
        for (let unit = 0; unit < units; unit++)
          pixels.data.set([20, 60, 140, 255 * Math.min(1, Math.abs(data[t * units + unit]))], 4 * (unit * steps + t));
      canvas.getContext("2d").putImageData(pixels, 0, 0);
      const label = Object.assign(document.createElement("p"), { textContent: \`gate \${name}: \${units} units over \${steps} time steps, \${open.toFixed(2)} on average\` });
      place.append(label, canvas);
    }
  }
`;

/** A result by its name. */
const valueOf = (name: string): string => (keyOf(name) === name ? `.${name}` : `[${JSON.stringify(name)}]`);

const WRITER = `<p>It goes on from <input id="prompt" size="40"> <button id="again">write</button></p>\n`;

function writing({ description, window = USUAL_WINDOW }: ExportTexts): string {
  const [answer] = description.network.outputs;
  const next = canStream(description)
    ? `const stream = model.stream();
    const next = (index) => stream.step(index);`
    : `const read = [];
    // It looks at all steps at once, so the last of them are read again for each symbol.
    const next = (index) => {
      read.push(index);
      const { data } = model.run(Int32Array.from(read.slice(-${window})))${valueOf(answer)};
      return data.slice(-record.vocabulary.length);
    };`;
  return `
  const prompt = document.getElementById("prompt");
  prompt.value = record.vocabulary.filter((symbol) => /^\\p{L}+$/u.test(symbol)).slice(0, 1).join("");

  // An index drawn from softmax(logits / 0.8).
  function draw(logits) {
    const greatest = Math.max(...logits);
    const weights = Array.from(logits, (value) => Math.exp((value - greatest) / 0.8));
    let left = Math.random() * weights.reduce((a, b) => a + b);
    return Math.max(0, weights.findIndex((weight) => (left -= weight) < 0));
  }

  function show() {
    const indices = [...encode(prompt.value || record.vocabulary[0])];
    ${next}
    let logits;
    for (const index of indices) logits = next(index);
    const written = [];
    for (let i = 0; i < ${WRITTEN}; i++) {
      written.push(draw(logits));
      logits = next(written.at(-1));
    }
    result.textContent = decode([...indices, ...written]);
    drawGates(Int32Array.from([...indices, ...written].slice(0, 100)));
  }
`;
}

const ROWS = `<p>Rows in order, as they may come; change them:</p>
<textarea id="rows" rows="14"></textarea>
<p><button id="again">forecast</button></p>
<canvas id="curve" width="800" height="160"></canvas>\n`;

function forecasting({ network }: ExportDescription): string {
  const answer = `model.run(encode(given))${valueOf(network.outputs[0])}`;
  return `
  const rows = document.getElementById("rows");
  const columns = [...new Map(record.columns.map((column) => [column.name, column])).values()];
  // Made up: a wave as wide as the training rows were.
  const wave = (t, { mean, deviation, category }, k) => category ?? Number((mean + deviation * Math.sin(t / 2 + k)).toPrecision(4));
  rows.value = [columns.map(({ name }) => name), ...Array.from({ length: 24 }, (_, t) => columns.map((column, k) => wave(t, column, k)))].map((row) => row.join(",")).join("\\n");

  function show() {
    const [names, ...lines] = rows.value.trim().split("\\n").map((line) => line.split(","));
    const numeric = new Set(columns.filter(({ category }) => category === undefined).map(({ name }) => name));
    const given = lines.map((cells) => Object.fromEntries(names.map((name, k) => [name, numeric.has(name) ? Number(cells[k]) : cells[k]])));
    const forecasts = decode(${answer}.data);
    const horizon = record.horizon ?? 1;
    result.textContent = \`\${record.target}, \${horizon} row\${horizon > 1 ? "s" : ""} after the last: \${forecasts.at(-1).toPrecision(5)}\`;
    drawCurves(given.map((row) => row[record.target]), [...forecasts], horizon);
    drawGates(encode(given));
  }

  // What came, and what was forecast for each row.
  function drawCurves(came, forecasts, horizon) {
    const canvas = document.getElementById("curve");
    const context = canvas.getContext("2d");
    const all = [...came, ...forecasts];
    const [least, most] = [Math.min(...all), Math.max(...all)];
    const x = (row) => 10 + (row * (canvas.width - 20)) / (came.length + horizon - 1);
    const y = (value) => canvas.height - 10 - ((value - least) * (canvas.height - 40)) / (most - least || 1);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.font = "13px sans-serif";
    for (const [label, values, from, colour, left] of [["came", came, 0, "#888", 10], ["forecast", forecasts, horizon, "#c30", 60]]) {
      context.fillStyle = context.strokeStyle = colour;
      context.fillText(label, left, 16);
      context.beginPath();
      values.forEach((value, row) => context.lineTo(x(from + row), y(value)));
      context.stroke();
    }
  }
`;
}

function running({ description, sample }: ExportTexts): string {
  const { network } = description;
  const sizesOf = (shape: (typeof network.inputs)[number]["shape"]): number[] => shape.map((size) => Number(sizeText(size)));
  const steps = network.inputs
    .filter(({ name, perStep }) => perStep && sample?.[name] !== undefined)
    .map(({ name, shape }) => sample![name].length / sizesOf(shape).reduce((a, b) => a * b, 1));
  const entries = network.inputs.map(({ name, type, shape, range, perStep }) => {
    const sizes = [...(perStep ? [steps[0] ?? STEPS] : []), ...sizesOf(shape)];
    const length = sizes.reduce((a, b) => a * b, 1);
    const values = range === undefined ? 2 : Number(sizeText(range));
    const made = type === "real" ? `wave(${length}, ${sizes.at(-1) ?? 1})` : `Int32Array.from({ length: ${length} }, (_, t) => (t * t) % ${values})`;
    const given = sample?.[name];
    return `    ${keyOf(name)}: { data: ${given === undefined ? made : `[${Array.from(given).join(", ")}]`}, shape: [${sizes.join(", ")}] },`;
  });
  const what = sample === undefined ? "waves of another length for each feature" : "an example of the task that it was trained on";
  return `
  const wave = (length, features) =>
    Float32Array.from({ length }, (_, i) => Math.sin(Math.floor(i / features) / (1 + (i % features)) + i));
  // What it reads here: ${what}.
  const inputs = {
${entries.join("\n")}
  };

  function show() {
    const row = (values) => [...values].slice(0, 8).map((value) => value.toFixed(4).padStart(8)).join(" ");
    result.textContent = Object.entries(model.run(inputs))
      .map(([name, { data, shape }]) => {
        const width = shape.length > 1 ? data.length / shape[0] : 1;
        const steps = Array.from({ length: Math.min(12, shape[0]) }, (_, t) => t + shape[0] - Math.min(12, shape[0]));
        const lines = steps.map((t) => \`step \${String(t).padStart(3)}  \${row(data.slice(t * width, (t + 1) * width))}\${width > 8 ? " …" : ""}\`);
        return \`\${name} [\${shape.join(", ")}], the last steps for ${what}\\n\${lines.join("\\n")}\`;
      })
      .join("\\n\\n");
    drawGates(inputs);
  }
`;
}
