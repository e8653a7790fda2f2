/**
 * An explanation as text for a terminal or a page.
 *
 * In: an `Explanation` and the room. Out: lines. Equations keep the author's spelling; columns are given up before they would wrap.
 */
import type { Cost } from "./cost.ts";
import { bytes, counted, type DrawOptions, figure, grouped, pad, shorten, table, textWidth, wrap } from "./draw.ts";
import type { Explanation } from "./explain.ts";

export interface ExplanationDrawing extends DrawOptions {
  readonly width: number;
  /** Marks a heading (bold on a terminal). */
  readonly heading?: (text: string) => string;
}

/** Lines of the whole explanation, in sections; a section without content is left out. */
export function drawExplanation(explanation: Explanation, options: ExplanationDrawing): string[] {
  const heading = options.heading ?? ((text: string) => text);
  const sections: (readonly [string, readonly string[]])[] = [
    ["equations", equationLines(explanation, options)],
    ["gates", gateLines(explanation, options)],
    ["sizes", sizeLines(explanation, options)],
    [weightTitle(explanation), weightLines(explanation, options)],
    ["states", stateLines(explanation, options)],
    ["recurrence", recurrenceLines(explanation, options)],
    ["compiler", explanation.findings.flatMap((finding) => wrap(finding, options.width - 2, "  "))],
    ["cost", explanation.cost ? costLines(explanation.cost, options) : []],
  ];
  return [
    ...titleLines(explanation, options, heading),
    ...sections.filter(([, lines]) => lines.length > 0).flatMap(([title, lines]) => ["", heading(title), ...lines.map((line) => `  ${line}`)]),
  ];
}

function titleLines(explanation: Explanation, options: ExplanationDrawing, heading: (text: string) => string): string[] {
  const arrow = options.ascii ? "->" : "→";
  const inputs = explanation.inputs.map((input) => input.name).join(", ");
  const notes = explanation.inputs.map((input) => `${input.name}: ${input.shape}${input.note ? `, ${input.note}` : ""}`);
  return [
    heading(`${explanation.name}(${inputs}) ${arrow} ${explanation.outputs.join(", ")}`),
    ...explanation.documentation.flatMap((line) => wrap(line, options.width)),
    ...(notes.length > 0 ? wrap(notes.join("; "), options.width) : []),
  ];
}

/** Equations with their signs of equality in one column and their roles beside them. */
function equationLines(explanation: Explanation, options: ExplanationDrawing): string[] {
  const rows = explanation.equations.map((equation) => {
    const at = equation.text.indexOf("=");
    const left = at === -1 ? equation.name : equation.text.slice(0, at).trim();
    const right = at === -1 ? equation.text : equation.text.slice(at + 1).trim();
    return { left, right, note: [equation.shape === "number" ? "" : `[${equation.shape}]`, ...equation.roles].filter(Boolean).join("  ") };
  });
  const leftWidth = Math.max(0, ...rows.map((row) => textWidth(row.left)));
  const texts = rows.map((row) => `${pad(row.left, leftWidth)} = ${row.right}`);
  const textColumn = Math.max(0, ...texts.map(textWidth));
  const noteColumn = Math.max(0, ...rows.map((row) => textWidth(row.note)));
  if (textColumn + 3 + noteColumn + 2 <= options.width) return texts.map((text, i) => `${pad(text, textColumn)}   ${rows[i].note}`.trimEnd());
  return texts.flatMap((text, i) => [
    ...wrap(text, options.width - 2, " ".repeat(leftWidth + 3)),
    ...(rows[i].note ? [`${" ".repeat(leftWidth + 3)}${rows[i].note}`] : []),
  ]);
}

function gateLines(explanation: Explanation, options: ExplanationDrawing): string[] {
  return explanation.gates.flatMap((gate) => {
    const range = gate.range[0] === 0 && gate.range[1] === 1 ? "" : ` in ${gate.range[0]} … ${gate.range[1]}`;
    const what = `${gate.name}: ${gate.role === "other" ? "gate" : gate.role}${range}, passes ${gate.passes}; ${gate.reason}`;
    return wrap(what, options.width - 2, "  ");
  });
}

function sizeLines(explanation: Explanation, options: ExplanationDrawing): string[] {
  return explanation.sizes.flatMap((size) => {
    const value = size.value === undefined ? (size.free ? "to be given" : "") : `= ${size.value}`;
    return wrap([`${size.name} ${value}`.trim(), size.reasons.slice(0, 2).join("; ")].filter(Boolean).join(": "), options.width - 2, "  ");
  });
}

function weightTitle(explanation: Explanation): string {
  const count = explanation.parameterCount;
  return count === undefined ? "weights" : `weights, ${counted(count, "number")}`;
}

function weightLines(explanation: Explanation, options: ExplanationDrawing): string[] {
  const rows = explanation.weights.map((weight) => [
    weight.name,
    weight.shape,
    weight.numbers === undefined ? "" : weight.numbers.length === 0 ? "1" : weight.numbers.join("×"),
    weight.role.replaceAll("_", " "),
    `${weight.initial} (${weight.source})`,
    weight.reasons[0] ?? "",
  ]);
  const kept = explanation.parameterCount === undefined ? rows.map((row) => row.filter((_, i) => i !== 2)) : rows;
  for (const columns of [kept[0]?.length ?? 0, (kept[0]?.length ?? 0) - 1]) {
    const lines = table(kept.map((row) => row.slice(0, columns)));
    if (lines.every((line) => textWidth(line) <= options.width - 2)) return lines;
  }
  return table(kept.map((row) => row.slice(0, -1))).map((line) => shorten(line, options.width - 2, options));
}

function stateLines(explanation: Explanation, options: ExplanationDrawing): string[] {
  return explanation.states.map((state) => {
    const lag = Math.abs(state.lag) === 1 ? "" : `, ${Math.abs(state.lag)} steps kept`;
    return shorten(
      `${state.name} [${state.shape}] begins at ${state.initial}${lag}${state.lag < 0 ? ", backwards in time" : ""}`,
      options.width - 2,
      options,
    );
  });
}

function recurrenceLines(explanation: Explanation, options: ExplanationDrawing): string[] {
  return explanation.recurrences.flatMap((recurrence) => {
    const how = recurrence.linear ? "linear in its state" : "not linear in its state";
    const direction = recurrence.direction === "backward" ? ", backwards in time" : "";
    return wrap(
      `${recurrence.names.join(", ")}: ${how}${direction}${recurrence.reasons.length > 0 ? `: ${recurrence.reasons.join("; ")}` : ""}`,
      options.width - 2,
      "  ",
    );
  });
}

/** What the program takes, and its kernels one by one; alike ones that follow each other share a line. */
function costLines(cost: Cost, options: ExplanationDrawing): string[] {
  const room = options.width - 2;
  const lines = wrap(
    `${bytes(cost.wasmBytes)} of WebAssembly, ${bytes(cost.memoryBytes)} of memory for ${counted(cost.batch, "sequence")} of up to ${counted(cost.capacity, "step")}`,
    room,
    "  ",
  );
  for (const entry of cost.entries) {
    const pairs = entry.perPairFlops > 0 ? `, ${grouped(Math.round(entry.perPairFlops))} per pair of time steps` : "";
    const constant = entry.constantFlops > 0 ? `, ${grouped(entry.constantFlops)} per run` : "";
    const work = `${grouped(Math.round(entry.perStepFlops))} operations per time step${pairs}${constant}`;
    lines.push(...wrap(`${entry.name}: ${counted(entry.kernels, "kernel")}, ${work}`, room, "  "));
    for (let at = 0; at < entry.steps.length; ) {
      const step = entry.steps[at];
      let alike = 1;
      while (entry.steps[at + alike]?.label === step.label && entry.steps[at + alike].kind === step.kind) alike++;
      const times = alike > 1 ? ` × ${alike}` : "";
      lines.push(shorten(`  ${pad(step.kind, 9)} ${step.label}${times}${workText(step, alike)}`, room, options));
      at += alike;
    }
  }
  return lines;
}

function workText({ perStepFlops, perPairFlops }: Cost["entries"][number]["steps"][number], alike: number): string {
  const parts = [
    ...(perStepFlops > 0 ? [`${figure(perStepFlops * alike)} per time step`] : []),
    ...(perPairFlops > 0 ? [`${figure(perPairFlops * alike)} per pair of time steps`] : []),
  ];
  return parts.length > 0 ? ` (${parts.join(", ")})` : "";
}
