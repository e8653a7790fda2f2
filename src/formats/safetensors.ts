/**
 * The safetensors container: named tensors and a map of texts, read and written as bytes.
 *
 * In: the bytes of a file. Out: its tensors as views into those bytes (nothing is copied before a conversion asks for it), or a `SluiceError` that
 * says what is wrong and what to do. Never allocates by a size that the file only claims, never trusts an offset, never executes anything.
 * Layout: 8 bytes header length N (little-endian), N bytes of JSON `{name: {dtype, shape, data_offsets}, "__metadata__": {text: text}}`, the data.
 * @source the format description of huggingface/safetensors; its rules on holes, overlaps, duplicate keys and the 100 MB header are kept
 */
import { SluiceError } from "../support/diagnostic.ts";
import { duplicateKey } from "./json-keys.ts";

/** Bits of one element. */
export const DTYPE_BITS = {
  BOOL: 8,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U16: 16,
  I16: 16,
  F16: 16,
  BF16: 16,
  U32: 32,
  I32: 32,
  F32: 32,
  C64: 64,
  U64: 64,
  I64: 64,
  F64: 64,
} as const;

export type Dtype = keyof typeof DTYPE_BITS;

export interface SafetensorsTensor {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Little-endian, row-major; a view into the file, at any alignment. */
  readonly bytes: Uint8Array;
}

export interface SafetensorsFile {
  /** In the order of their data. */
  readonly tensors: ReadonlyMap<string, SafetensorsTensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

const HEADER_LIMIT = 100_000_000;

/**
 * Reads a file; the tensors are views into `bytes`. `file` is the name that errors show.
 * @throws SluiceError E401 (cut short, or another kind of file), E402 (broken header), E403 (a wrong entry), E404 (bytes and shapes disagree)
 */
export function readSafetensors(bytes: Uint8Array, file = "the file"): SafetensorsFile {
  const header = parseHeader(bytes, file);
  const dataStart = 8 + headerLength(bytes, file);
  const dataBytes = bytes.length - dataStart;
  const metadata = new Map<string, string>();
  const found: { name: string; dtype: Dtype; shape: readonly number[]; start: number; end: number }[] = [];
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") {
      for (const [key, text] of metadataEntries(entry, file)) metadata.set(key, text);
      continue;
    }
    const { dtype, shape, start, end } = readEntry(name, entry, file);
    const sizeBytes = tensorBytes(name, dtype, shape, file);
    if (end - start !== sizeBytes) {
      const needs = `${dtype} of shape ${showShape(shape)} needs ${count(sizeBytes)} bytes`;
      throw damaged("E404", `${file}: tensor ${quote(name)}: ${needs}, but its offsets ${start}…${end} hold ${count(end - start)}`);
    }
    if (end > dataBytes) {
      const missing = `ends at byte ${count(end)} of the data, but the file holds ${count(dataBytes)}`;
      throw damaged("E404", `${file}: tensor ${quote(name)} ${missing}: the end is missing`);
    }
    found.push({ name, dtype, shape, start, end });
  }
  found.sort((a, b) => a.start - b.start || a.end - b.end);
  let position = 0;
  let before = "";
  for (const { name, start, end } of found) {
    if (start < position)
      throw damaged("E404", `${file}: tensors ${quote(before)} and ${quote(name)} share bytes ${start}…${Math.min(position, end)}`);
    if (start > position) throw damaged("E404", `${file}: bytes ${position}…${start} of the data, before tensor ${quote(name)}, belong to no tensor`);
    position = end;
    before = name;
  }
  if (position !== dataBytes) {
    throw damaged("E404", `${file}: the tensors end after ${count(position)} bytes of data, but ${count(dataBytes)} are there`);
  }
  const tensors = new Map<string, SafetensorsTensor>();
  for (const { name, dtype, shape, start, end } of found) {
    tensors.set(name, { name, dtype, shape, bytes: bytes.subarray(dataStart + start, dataStart + end) });
  }
  return { tensors, metadata };
}

export interface SafetensorsContent {
  /** F32 for a Float32Array, and so on, unless `dtype` with raw little-endian `bytes` is given. */
  readonly tensors: readonly (
    | { readonly name: string; readonly shape: readonly number[]; readonly values: Float32Array | Float64Array | Int32Array | Uint8Array }
    | SafetensorsTensor
  )[];
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Writes a file: tensors in the declared order, metadata by sorted key, data aligned to 8 bytes from the start of the file as far as element sizes
 * allow. The same content gives the same bytes.
 * @throws SluiceError E405 (a name twice or reserved, a shape that does not fit its values)
 */
export function writeSafetensors({ tensors, metadata = {} }: SafetensorsContent): Uint8Array {
  const fields: string[] = [];
  const texts = Object.keys(metadata)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${JSON.stringify(metadata[key])}`);
  if (texts.length > 0) fields.push(`"__metadata__":{${texts.join(",")}}`);
  const names = new Set<string>();
  // Wider elements first, so that none needs padding, which the format forbids; equal widths stay in the declared order.
  const parts = tensors.map(encodeTensor).sort((a, b) => b.bits - a.bits);
  let position = 0;
  for (const { name, dtype, shape, bytes } of parts) {
    if (name === "__metadata__" || names.has(name)) {
      const problem = name === "__metadata__" ? "is the format's own name" : "is used twice";
      throw new SluiceError("E405", `cannot write tensor ${quote(name)}: the name ${problem}; rename it`);
    }
    names.add(name);
    fields.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [position, position + bytes.length] })}`);
    position += bytes.length;
  }
  const json = new TextEncoder().encode(`{${fields.join(",")}}`);
  const padded = Math.ceil(json.length / 8) * 8;
  const file = new Uint8Array(8 + padded + position);
  new DataView(file.buffer).setUint32(0, padded, true);
  file.fill(0x20, 8, 8 + padded);
  file.set(json, 8);
  let at = 8 + padded;
  for (const { bytes } of parts) {
    file.set(bytes, at);
    at += bytes.length;
  }
  return file;
}

function encodeTensor(tensor: SafetensorsContent["tensors"][number]) {
  const { name, shape } = tensor;
  const dtype = "bytes" in tensor ? tensor.dtype : dtypeOf(tensor.values);
  const bytes = "bytes" in tensor ? tensor.bytes : littleEndian(tensor.values);
  const wanted = tensorBytes(name, dtype, shape, "writing");
  if (wanted !== bytes.length) {
    const problem = `shape ${showShape(shape)} of ${dtype} needs ${count(wanted)} bytes, ${count(bytes.length)} are given`;
    throw new SluiceError("E405", `cannot write tensor ${quote(name)}: ${problem}; give as many values as the shape says`);
  }
  return { name, dtype, shape: [...shape], bytes, bits: DTYPE_BITS[dtype] };
}

function dtypeOf(values: Float32Array | Float64Array | Int32Array | Uint8Array): Dtype {
  if (values instanceof Float32Array) return "F32";
  if (values instanceof Float64Array) return "F64";
  return values instanceof Int32Array ? "I32" : "U8";
}

function littleEndian(values: Float32Array | Float64Array | Int32Array | Uint8Array): Uint8Array {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  if (values.BYTES_PER_ELEMENT === 1 || new Uint8Array(Uint16Array.of(1).buffer)[0] === 1) return bytes;
  const swapped = bytes.slice();
  for (let at = 0; at < swapped.length; at += values.BYTES_PER_ELEMENT) swapped.subarray(at, at + values.BYTES_PER_ELEMENT).reverse();
  return swapped;
}

function headerLength(bytes: Uint8Array, file: string): number {
  if (bytes.length < 8) {
    const held = bytes.length === 0 ? "is empty" : `has only ${bytes.length} bytes`;
    throw damaged("E401", `${file} ${held}; a safetensors file begins with 8 bytes that say how long its header is`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
  const length = view.getUint32(4, true) * 2 ** 32 + view.getUint32(0, true);
  if (length > HEADER_LIMIT) {
    const claim = `claims a header of ${count(length)} bytes (the format allows ${count(HEADER_LIMIT)})`;
    throw new SluiceError("E401", `${file} ${claim}, so it is not a safetensors file; check that the path names the model and not another file`);
  }
  if (length > bytes.length - 8) {
    throw damaged("E401", `${file} is cut short: its header should have ${count(length)} bytes, but only ${count(bytes.length - 8)} follow`);
  }
  return length;
}

function parseHeader(bytes: Uint8Array, file: string): Record<string, unknown> {
  const length = headerLength(bytes, file);
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.subarray(8, 8 + length));
    header = JSON.parse(text);
  } catch (cause) {
    // The engine's message is kept as the cause; its wording differs from engine to engine.
    throw new SluiceError("E402", `${file}: the header is not valid JSON; the file is damaged, or it is not a safetensors file`, [], { cause });
  }
  if (!isObject(header)) throw damaged("E402", `${file}: the header is not a JSON object with one entry for each tensor`);
  const twice = duplicateKey(text);
  if (twice !== undefined) throw damaged("E402", `${file}: the header names ${quote(twice)} twice, so its meaning is not clear`);
  return header;
}

function metadataEntries(entry: unknown, file: string): [string, string][] {
  if (!isObject(entry)) throw damaged("E402", `${file}: __metadata__ must map texts to texts`);
  return Object.entries(entry).map(([key, text]) => {
    if (typeof text !== "string") throw damaged("E402", `${file}: __metadata__ must map texts to texts, but ${quote(key)} is not a text`);
    return [key, text];
  });
}

function readEntry(name: string, entry: unknown, file: string) {
  const wrong = (problem: string) => damaged("E403", `${file}: tensor ${quote(name)}: ${problem}`);
  if (!isObject(entry)) throw wrong("its header entry is not an object with dtype, shape and data_offsets");
  for (const field of ["dtype", "shape", "data_offsets"]) if (!Object.hasOwn(entry, field)) throw wrong(`its header entry has no ${field}`);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== "string" || !Object.hasOwn(DTYPE_BITS, dtype)) {
    const known = Object.keys(DTYPE_BITS).join(", ");
    throw new SluiceError(
      "E403",
      `${file}: tensor ${quote(name)}: no such dtype ${show(dtype)}; the format knows ${known}; convert the tensor to F32`,
    );
  }
  if (!isCounts(shape)) throw wrong(`its shape ${show(shape)} is not a list of whole numbers from 0 to 2^53`);
  if (!isCounts(offsets) || offsets.length !== 2) throw wrong(`its data_offsets ${show(offsets)} are not two whole numbers from 0 to 2^53`);
  const [start, end] = offsets;
  if (start > end) throw wrong(`its data_offsets run backwards, from ${start} to ${end}`);
  return { dtype: dtype as Dtype, shape, start, end };
}

/** Size in bytes; refuses what overflows exact integers or does not fill whole bytes. */
function tensorBytes(name: string, dtype: Dtype, shape: readonly number[], file: string): number {
  const problem = (text: string) => damaged("E404", `${file}: tensor ${quote(name)}: shape ${showShape(shape)} ${text}`);
  let sizeBits: number = DTYPE_BITS[dtype];
  if (shape.includes(0)) return 0;
  for (const dimension of shape) {
    sizeBits *= dimension;
    if (sizeBits > Number.MAX_SAFE_INTEGER) throw problem("has more elements than any file can hold");
  }
  if (sizeBits % 8 !== 0) throw problem(`of ${dtype} does not fill whole bytes`);
  return sizeBits / 8;
}

function damaged(code: string, problem: string): SluiceError {
  return new SluiceError(code, `${problem}; the file is damaged or was not written completely: fetch or save it again`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

/** Parts of damaged files enter messages only shortened. */
function quote(name: string): string {
  return name.length <= 80 ? JSON.stringify(name) : `${JSON.stringify(name.slice(0, 77))}…`;
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? "undefined";
  return text.length <= 60 ? text : `${text.slice(0, 57)}…`;
}

function showShape(shape: readonly number[]): string {
  return show(shape).replaceAll(",", ", ");
}

function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, " ");
}
