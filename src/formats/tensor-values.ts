/**
 * Values of stored tensors: every number type of the safetensors format as float32 or int32.
 *
 * In: a tensor as bytes. Out: typed arrays; a view where the bytes allow it (`F32`, aligned, little-endian host), else a copy.
 * NaN and infinities stay what they are. 64-bit integers past 2^53 are rounded to float64 first.
 */
import { SluiceError } from "../support/diagnostic.ts";
import { type Dtype, DTYPE_BITS, type SafetensorsTensor } from "./safetensors.ts";

/**
 * The tensor's values as float32, rounded to nearest.
 * @throws SluiceError E406 for types that have no such values: complex, and the packed 4- and 6-bit floats
 */
export function toFloat32(tensor: SafetensorsTensor): Float32Array {
  const { bytes, dtype } = tensor;
  if (dtype === "F32" && bytes.byteOffset % 4 === 0 && hostIsLittleEndian) {
    return new Float32Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length / 4);
  }
  return readAll(tensor, (length) => new Float32Array(length));
}

/** The tensor's values as float64; 64-bit integers past 2^53 are rounded. @throws SluiceError E406 as `toFloat32` */
export function toFloat64(tensor: SafetensorsTensor): Float64Array {
  return readAll(tensor, (length) => new Float64Array(length));
}

/**
 * The values of an integer or boolean tensor.
 * @throws SluiceError E406 for a floating-point tensor or a value outside int32
 */
export function toInt32(tensor: SafetensorsTensor): Int32Array {
  if (!/^(BOOL|[IU]\d+)$/.test(tensor.dtype)) {
    throw new SluiceError("E406", `tensor ${JSON.stringify(tensor.name)} is ${tensor.dtype}, where integers are needed; store it as I32 or I64`);
  }
  const wide = toFloat64(tensor);
  const outside = wide.findIndex((value) => value !== (value | 0));
  if (outside !== -1) {
    throw new SluiceError("E406", `tensor ${JSON.stringify(tensor.name)}: element ${outside} is ${wide[outside]}, too large for a 32-bit integer`);
  }
  return Int32Array.from(wide);
}

/** How many values are NaN or infinite, and the flat position of the first; undefined if all are finite. */
export function nonFinite(values: Float32Array | Float64Array): { readonly count: number; readonly first: number } | undefined {
  let count = 0;
  let first = -1;
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) continue;
    if (count === 0) first = i;
    count++;
  }
  return count === 0 ? undefined : { count, first };
}

const hostIsLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

function readAll<Values extends Float32Array | Float64Array>(tensor: SafetensorsTensor, allocate: (length: number) => Values): Values {
  const { bytes, dtype } = tensor;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const read = READERS[dtype];
  if (read === undefined) {
    throw new SluiceError("E406", `tensor ${JSON.stringify(tensor.name)} is ${dtype}, which is kept but not computed with; convert it to F32 or F16`);
  }
  const stride = DTYPE_BITS[dtype] / 8;
  const values = allocate(bytes.length / stride);
  for (let i = 0; i < values.length; i++) values[i] = read(view, i * stride);
  return values;
}

/** Value of the element at a byte; absent for types that are only passed through. */
const READERS: { readonly [D in Dtype]?: (view: DataView, at: number) => number } = {
  BOOL: (view, at) => (view.getUint8(at) === 0 ? 0 : 1),
  U8: (view, at) => view.getUint8(at),
  I8: (view, at) => view.getInt8(at),
  U16: (view, at) => view.getUint16(at, true),
  I16: (view, at) => view.getInt16(at, true),
  U32: (view, at) => view.getUint32(at, true),
  I32: (view, at) => view.getInt32(at, true),
  U64: (view, at) => Number(view.getBigUint64(at, true)),
  I64: (view, at) => Number(view.getBigInt64(at, true)),
  F16: (view, at) => smallFloat(view.getUint16(at, true), 5, 10, "ieee"),
  BF16: (view, at) => smallFloat(view.getUint16(at, true), 8, 7, "ieee"),
  F32: (view, at) => view.getFloat32(at, true),
  F64: (view, at) => view.getFloat64(at, true),
  F8_E5M2: (view, at) => smallFloat(view.getUint8(at), 5, 2, "ieee"),
  F8_E4M3: (view, at) => smallFloat(view.getUint8(at), 4, 3, "finite"),
  F8_E5M2FNUZ: (view, at) => smallFloat(view.getUint8(at), 5, 2, "unsigned zero"),
  F8_E4M3FNUZ: (view, at) => smallFloat(view.getUint8(at), 4, 3, "unsigned zero"),
  F8_E8M0: (view, at) => (view.getUint8(at) === 255 ? Number.NaN : 2 ** (view.getUint8(at) - 127)),
};

/**
 * A float of 1 sign bit, `exponentBits` and `fractionBits`. "ieee": the top exponent means infinity and NaN; "finite": no infinity, all ones is NaN;
 * "unsigned zero": no infinity, minus zero is the only NaN, exponent bias one larger.
 */
function smallFloat(bits: number, exponentBits: number, fractionBits: number, kind: "ieee" | "finite" | "unsigned zero"): number {
  const signBit = 1 << (exponentBits + fractionBits);
  const sign = bits & signBit ? -1 : 1;
  const top = (1 << exponentBits) - 1;
  const exponent = (bits >> fractionBits) & top;
  const fraction = bits & ((1 << fractionBits) - 1);
  if (kind === "ieee" && exponent === top) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (kind === "finite" && (bits & (signBit - 1)) === signBit - 1) return Number.NaN;
  if (kind === "unsigned zero" && bits === signBit) return Number.NaN;
  const bias = (1 << (exponentBits - 1)) - (kind === "unsigned zero" ? 0 : 1);
  if (exponent === 0) return sign * fraction * 2 ** (1 - bias - fractionBits);
  return sign * (1 + fraction / (1 << fractionBits)) * 2 ** (exponent - bias);
}
