/**
 * A checkpoint that knows the command it is from, so that `--resume FILE` needs nothing else.
 *
 * In: the bytes of a safetensors file. Out: the same file with one more entry in its header, or that entry. Tensors are not touched: only the
 * header in front of them is written anew.
 * @source safetensors: 8 bytes little-endian length, JSON header, tensors
 */
import { SluiceError } from "../support/diagnostic.ts";
import type { TrainFlags } from "./commands/train.ts";

export interface BegunCommand {
  readonly subject: string;
  readonly flags: TrainFlags;
}

const KEY = "command";
const LENGTH_BYTES = 8;

/** The file with the command in its header. */
export function withCommand(file: Uint8Array, command: BegunCommand): Uint8Array {
  const { header, end } = readHeader(file, "the checkpoint");
  const changed = { ...header, __metadata__: { ...(header.__metadata__ as Record<string, string>), [KEY]: JSON.stringify(command) } };
  let text = new TextEncoder().encode(JSON.stringify(changed));
  const padding = (8 - (text.length % 8)) % 8;
  if (padding > 0) text = new TextEncoder().encode(JSON.stringify(changed) + " ".repeat(padding));
  const result = new Uint8Array(LENGTH_BYTES + text.length + file.length - end);
  new DataView(result.buffer).setBigUint64(0, BigInt(text.length), true);
  result.set(text, LENGTH_BYTES);
  result.set(file.subarray(end), LENGTH_BYTES + text.length);
  return result;
}

/** The command of a checkpoint. @throws SluiceError E465 if the file is none, or was not written by the command line */
export function readCommand(file: Uint8Array, name: string): BegunCommand {
  const { header } = readHeader(file, name);
  const text = (header.__metadata__ as Record<string, string> | undefined)?.[KEY];
  if (text === undefined)
    throw new SluiceError("E465", `${name} is no checkpoint of \`sluice train\`; a checkpoint's name ends in .checkpoint.safetensors`);
  try {
    return JSON.parse(text) as BegunCommand;
  } catch (cause) {
    throw new SluiceError("E465", `${name} has a damaged entry “${KEY}”; the file cannot be resumed`, [], { cause });
  }
}

function readHeader(file: Uint8Array, name: string): { header: Record<string, unknown>; end: number } {
  try {
    const length = Number(new DataView(file.buffer, file.byteOffset, file.byteLength).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(file.subarray(LENGTH_BYTES, LENGTH_BYTES + length)));
    if (typeof header !== "object" || header === null) throw new Error("the header is no object");
    return { header, end: LENGTH_BYTES + length };
  } catch (cause) {
    throw new SluiceError("E465", `${name} is not a whole safetensors file, so it cannot be resumed`, [], { cause });
  }
}
