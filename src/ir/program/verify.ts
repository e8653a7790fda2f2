/**
 * Checks the plan of a program: every buffer lies inside the memory, and no two buffers that are alive at the same time overlap, except the parts
 * of a flat array and the array itself.
 */
import { invariant } from "../../support/invariant.ts";
import type { Buffer, BufferRole, Program } from "./node.ts";

const PARTS: ReadonlySet<BufferRole> = new Set(["weight", "gradient"]);

/** @throws InternalError that names the two buffers. */
export function verifyProgram(program: Program): void {
  const buffers = program.buffers.filter((buffer) => !PARTS.has(buffer.role) && buffer.sizeBytes > 0);
  for (const buffer of program.buffers) {
    invariant(
      buffer.offsetBytes >= 0 && buffer.offsetBytes + buffer.sizeBytes <= program.memoryBytes,
      `buffer ${buffer.name} lies outside the memory`,
    );
  }
  const sorted = [...buffers].sort((p, q) => p.offsetBytes - q.offsetBytes);
  const open: Buffer[] = [];
  for (const buffer of sorted) {
    for (let i = open.length - 1; i >= 0; i--) if (open[i].offsetBytes + open[i].sizeBytes <= buffer.offsetBytes) open.splice(i, 1);
    for (const other of open) {
      const together = other.live[0] <= buffer.live[1] && buffer.live[0] <= other.live[1];
      invariant(!together, `buffers ${other.name} and ${buffer.name} overlap while both are in use`);
    }
    open.push(buffer);
  }
}
