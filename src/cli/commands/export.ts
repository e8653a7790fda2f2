/**
 * `sluice export MODEL`: a folder with the model for inference alone, to copy into an application: a module, its code, its weights, its types.
 *
 * The compiler stays here. Nothing that is not an earlier export is overwritten.
 */
import { existsSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { table } from "../../inspect/draw.ts";
import { exportModel } from "../../model/exported/bundle.ts";
import { exportTexts } from "../../model/exported/texts.ts";
import type { DatasetRecord } from "../../model/dataset-record.ts";
import { SluiceError } from "../../support/diagnostic.ts";
import { findTask } from "../../train/tasks/list.ts";
import { type CommandDefinition, numberOption } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { readText, writeWhole } from "../files.ts";
import { inferenceText } from "../inference-text.ts";
import { readModel } from "../subject.ts";
import { VERSION } from "../version.ts";

interface ExportFlags {
  readonly to?: string;
  readonly output?: string;
  readonly gates?: true | string;
  readonly batch?: number;
  readonly steps?: number;
}

const listOf = (text: string): string[] => text.split(",").map((name) => name.trim());

export const exportCommand: CommandDefinition<ExportFlags> = {
  name: "export",
  arguments: "<model>",
  summary: "ship a trained model: a small module for inference, without the compiler",
  examples: [
    "sluice export lstm.safetensors",
    "sluice export flag.safetensors --to web/flag --gates",
    'sluice export classifier.safetensors --output "logits[T]" --batch 32',
  ],
  options(command) {
    command
      .option("--to <folder>", "where the files go (default: the name of the model)")
      .option("--output <names>", "values that it gives, separated by commas (default: those of the header); h[T] is a last value")
      .option("--gates [names]", "gates can be read: all, or those named")
      .option("--batch <number>", "adds code that runs this many sequences at once", numberOption("--batch", { least: 1, whole: true }))
      .option("--steps <number>", "room for time where it cannot grow", numberOption("--steps", { least: 1, whole: true }));
  },
  async run({ terminal, json, emit }, [path], flags) {
    const model = readModel(path);
    const folder = flags.to ?? basename(path, ".safetensors");
    refuseOthers(folder);
    const { description, code, weights } = exportModel(model, {
      ...(flags.output !== undefined && { outputs: listOf(flags.output) }),
      ...(flags.gates !== undefined && { gates: flags.gates === true ? true : listOf(flags.gates) }),
      batch: flags.batch,
      steps: flags.steps,
    });
    const { record, training } = model;
    const texts = exportTexts({
      description,
      runtime: inferenceText(),
      version: VERSION,
      record,
      window: training?.window,
      ...(record?.kind === "task" && { sample: taskSample(record) }),
    });
    const files = new Map<string, Uint8Array | string>([...texts, ...code, [description.weights.file, weights]]);
    for (const [name, content] of files) await writeWhole(join(folder, name), content);
    const rows = [...files].map(([name, content]) => {
      const bytes = Buffer.from(content);
      return { name, bytes: bytes.length, gzipped: gzipSync(bytes, { level: 9 }).length };
    });
    // What an application loads beside the weights.
    const loaded = rows.filter(({ name }) => name === "model.js" || code.has(name)).reduce((total, { gzipped }) => total + gzipped, 0);
    if (json) emit({ model: path, folder, files: rows, gzippedWithoutWeights: loaded });
    else {
      const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} KB`;
      const cells = rows.map(({ name, bytes, gzipped }) => [join(folder, name), kilobytes(bytes), `${kilobytes(gzipped)} gzipped`]);
      for (const line of table(cells, [1, 2])) terminal.print(line);
      terminal.print();
      terminal.print(`${kilobytes(loaded)} gzipped beside the weights; no dependencies. ${join(folder, "README.md")} says how to use it.`);
    }
    return EXIT.ok;
  },
};

/** An example of the task that a model was trained on. */
function taskSample({ name, options }: DatasetRecord & { readonly kind: "task" }): Readonly<Record<string, ArrayLike<number>>> {
  const { inputs } = findTask(name).dataset({ options, batch: 1 }).train.batchAt(0);
  const { y: _, ...read } = inputs;
  return read;
}

/** @throws SluiceError E487 if the folder holds other things than an export */
function refuseOthers(folder: string): void {
  if (!existsSync(folder) || readdirSync(folder).length === 0) return;
  const module = join(folder, "model.js");
  if (existsSync(module) && /^\/\* .*, exported by Sluice /.test(readText(module))) return;
  throw new SluiceError("E487", `${folder} exists and holds other files; name another folder with --to, or empty it`);
}
