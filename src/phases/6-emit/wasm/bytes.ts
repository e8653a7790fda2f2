/**
 * A growing run of bytes, and the integers of the WebAssembly binary format in it. Comes in: numbers, one at a time. Goes out: a Uint8Array.
 * Never knows what the bytes mean.
 * @source WebAssembly core specification 2.0, 5.2.2 (LEB128)
 */
import { invariant } from "../../../support/invariant.ts";

export interface ByteWriter {
  bytes: Uint8Array;
  length: number;
}

export function createByteWriter(capacity = 256): ByteWriter {
  return { bytes: new Uint8Array(capacity), length: 0 };
}

/** The bytes written so far. */
export function writtenBytes(writer: ByteWriter): Uint8Array {
  return writer.bytes.subarray(0, writer.length);
}

function makeRoom(writer: ByteWriter, more: number): void {
  const larger = new Uint8Array(2 * (writer.length + more));
  larger.set(writtenBytes(writer));
  writer.bytes = larger;
}

export function writeByte(writer: ByteWriter, byte: number): void {
  if (writer.length === writer.bytes.length) makeRoom(writer, 1);
  writer.bytes[writer.length++] = byte;
}

export function writeBytes(writer: ByteWriter, bytes: ArrayLike<number>): void {
  if (writer.length + bytes.length > writer.bytes.length) makeRoom(writer, bytes.length);
  for (let index = 0; index < bytes.length; index += 1) writer.bytes[writer.length++] = bytes[index];
}

export function writeUnsigned(writer: ByteWriter, value: number): void {
  if (value < 0x80) writeByte(writer, value);
  else writeBytes(writer, unsignedBytes(value));
}

/** Unsigned LEB128 of a whole number below 2³². */
export function unsignedBytes(value: number): number[] {
  invariant(Number.isInteger(value) && value >= 0 && value < 2 ** 32, `${value} is not an unsigned 32-bit number`);
  const out: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    out.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  out.push(rest);
  return out;
}

/** Signed LEB128 of an i32. */
export function signedBytes(value: number): number[] {
  const out: number[] = [];
  let rest = value | 0;
  while (rest < -64 || rest >= 64) {
    out.push((rest & 0x7f) | 0x80);
    rest >>= 7;
  }
  out.push(rest & 0x7f);
  return out;
}
