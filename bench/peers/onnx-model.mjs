/**
 * The bytes of an ONNX model that is one LSTM, for the peer that can only read models: a protobuf writer of just the fields that it needs.
 *
 * In: sizes and packed weights (gates i, f, g, o). Out: a ModelProto (gates in ONNX's order i, o, f, c). Field numbers are those of onnx.proto3.
 */

const FLOAT = 1;
const INT_ATTRIBUTE = 2;

function varint(value) {
  const bytes = [];
  let rest = BigInt(value);
  do {
    bytes.push(Number(rest & 127n) | (rest > 127n ? 128 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Uint8Array.from(bytes);
}

function joined(parts) {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

const integer = (field, value) => joined([varint(field << 3), varint(value)]);
const bytes = (field, value) => joined([varint((field << 3) | 2), varint(value.length), value]);
const text = (field, value) => bytes(field, new TextEncoder().encode(value));
const message = (field, ...parts) => bytes(field, joined(parts));

const tensor = (name, dims, values) =>
  message(5, ...dims.map((dim) => integer(1, dim)), integer(2, FLOAT), text(8, name), bytes(9, new Uint8Array(values.buffer, values.byteOffset, values.byteLength)));

const valueInfo = (field, name, dims) =>
  message(field, text(1, name), message(2, message(1, integer(1, FLOAT), message(2, ...dims.map((dim) => message(1, integer(1, dim)))))));

/** Rows of the gates i, f, g, o as i, o, f, g. */
function reordered(values, rowLength) {
  const block = values.length / 4;
  if (block % rowLength !== 0) throw new Error("packed weights must have four blocks of rows");
  const result = new Float32Array(values.length);
  [0, 3, 1, 2].forEach((from, to) => result.set(values.subarray(from * block, (from + 1) * block), to * block));
  return result;
}

/** Inputs x [T, B, D], and with `carried` h0, c0 [1, B, H]; outputs y [T, 1, B, H], h [1, B, H], c [1, B, H]. */
export function lstmModel({ T, B, D, H }, weights, carried) {
  const bias = new Float32Array(8 * H);
  bias.set(reordered(weights.b, 1));
  const names = ["x", "W", "R", "bias", ...(carried ? ["", "h0", "c0"] : [])];
  const node = message(
    1,
    ...names.map((name) => text(1, name)),
    ...["y", "h", "c"].map((name) => text(2, name)),
    text(4, "LSTM"),
    message(5, text(1, "hidden_size"), integer(3, H), integer(20, INT_ATTRIBUTE)),
  );
  const state = [1, B, H];
  const graph = message(
    7,
    node,
    text(2, "lstm"),
    tensor("W", [1, 4 * H, D], reordered(weights.Wx, D)),
    tensor("R", [1, 4 * H, H], reordered(weights.Wh, H)),
    tensor("bias", [1, 8 * H], bias),
    valueInfo(11, "x", [T, B, D]),
    ...(carried ? [valueInfo(11, "h0", state), valueInfo(11, "c0", state)] : []),
    valueInfo(12, "y", [T, 1, B, H]),
    valueInfo(12, "h", state),
    valueInfo(12, "c", state),
  );
  return joined([integer(1, 8), message(8, text(1, ""), integer(2, 14)), graph]);
}
