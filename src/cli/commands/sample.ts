/**
 * `sluice sample MODEL`: lets a model of a text write on from a beginning.
 *
 * Draws each symbol from softmax(logits / temperature) with a seeded generator: the same seed gives the same text. Ctrl-C ends it: what was written is printed.
 */
import type { Model } from "../../model/model.ts";
import { nowMs, pause } from "../../runtime/platform.ts";
import { createRandom, type Random } from "../../support/random.ts";
import { SluiceError } from "../../support/diagnostic.ts";
import { decodeText, encodeText, type TextRecord } from "../../train/data/text.ts";
import { type CommandDefinition, numberOption } from "../command.ts";
import { describeRecord } from "../dataset-options.ts";
import { EXIT } from "../exit-code.ts";
import { readModel } from "../subject.ts";
import { openWriter } from "../writer.ts";

const TURN_MS = 50;

interface SampleFlags {
  readonly prompt?: string;
  readonly length: number;
  readonly temperature: number;
  readonly seed: number;
}

export const sample: CommandDefinition<SampleFlags> = {
  name: "sample",
  arguments: "<model>",
  summary: "let a model of a text write",
  examples: ["sluice sample lstm.safetensors", 'sluice sample lstm.safetensors --prompt "ROMEO:" --length 400 --temperature 0.7'],
  options(command) {
    command
      .option("--prompt <text>", "how the text begins")
      .option("--length <symbols>", "symbols to write", numberOption("--length", { least: 1, whole: true }), 500)
      .option("--temperature <number>", "below 1: safer, above 1: bolder, 0: always the likeliest", numberOption("--temperature", { least: 0 }), 0.8)
      .option("--seed <number>", "fixes the draws", numberOption("--seed", { least: 0, whole: true }), 1);
  },
  async run(context, [path], flags) {
    const model = readModel(path);
    const record = textRecord(model, path);
    const prompt = flags.prompt ?? (record.vocabulary.includes("\n") ? "\n" : record.vocabulary[0]);
    const indices = [...encodeText(record, prompt)];
    if (indices.length === 0) throw new SluiceError("E490", "--prompt must hold at least one symbol");
    const random = createRandom(flags.seed);
    const writer = openWriter(model, record);
    const { terminal, json } = context;
    if (writer.window !== undefined)
      terminal.remark(
        `this model looks at all steps at once: the last ${writer.window} symbols, as many as it was trained on, are read again for each new one`,
      );
    let logits: Float32Array | undefined;
    for (const index of indices) logits = writer.read(index);
    const written: number[] = [];
    let turn = nowMs();
    for (let i = 0; i < flags.length && !context.signal.aborted; i++) {
      if (nowMs() - turn > TURN_MS) {
        terminal.progress(`written ${i} of ${flags.length}`);
        await pause(); // lets a Ctrl-C in
        turn = nowMs();
      }
      const index = draw(logits!, flags.temperature, random);
      written.push(index);
      logits = writer.read(index);
    }
    const text = decodeText(record, [...(flags.prompt === undefined ? [] : indices), ...written]);
    if (json) context.emit({ model: path, prompt: flags.prompt ?? "", seed: flags.seed, temperature: flags.temperature, text });
    else terminal.print(text.replace(/^\n+/, ""));
    return context.signal.aborted ? EXIT.interrupted : EXIT.ok;
  },
};

/** The record of a model of text. @throws SluiceError E486 for other models */
export function textRecord(model: Model, path: string): TextRecord {
  if (model.record?.kind === "text") return model.record;
  const was = model.record === undefined ? "without data" : `on ${describeRecord(model.record)}`;
  throw new SluiceError("E486", `${path} was trained ${was}, so it cannot write text; see sluice predict, sluice gates`);
}

/** An index drawn from softmax(logits / temperature). */
export function draw(logits: ArrayLike<number>, temperature: number, random: Random): number {
  let greatest = 0;
  for (let k = 1; k < logits.length; k++) if (logits[k] > logits[greatest]) greatest = k;
  if (temperature === 0) return greatest;
  let total = 0;
  const weights = new Float64Array(logits.length);
  for (let k = 0; k < logits.length; k++) total += weights[k] = Math.exp((logits[k] - logits[greatest]) / temperature);
  let left = random.uniform() * total;
  for (let k = 0; k < logits.length; k++) {
    left -= weights[k];
    if (left < 0) return k;
  }
  return greatest;
}
