/**
 * The function in which threads of one shared memory wait for each other. Comes in: nothing. Goes out: a function (address, threads) over two i32 at
 * the address: how many have arrived, and how many times all have met; a third i32 says that a thread has failed: then all trap. The last to come resets the first, counts up the second and wakes the others, who
 * spin on it for a while and then sleep. One thread alone passes at once. Sleeping traps where an engine forbids it (a browser's main thread).
 * @source the centralised barrier with a generation count; Mellor-Crummey & Scott 1991 (sense reversal)
 */
import type { AssembledFunction } from "./assembler.ts";
import { createByteWriter, writeByte, writeBytes, writtenBytes } from "./bytes.ts";
import { constantI32, createLocalPool, flatten, type Instruction, instruction, localGet, localSet, memoryBytes, scalar } from "./instruction.ts";
import { opcodes } from "./opcodes.ts";

/** Reads before sleeping: some tens of microseconds, about what it costs to sleep and be woken. */
const SPINS = 10_000;
const EMPTY_BLOCK = 0x40;

export function emitBarrier(): AssembledFunction {
  const pool = createLocalPool(["i32", "i32"], undefined);
  pool.types.push("i32", "i32");
  const code = createByteWriter();
  const address = localGet(0, "i32");
  const threads = localGet(1, "i32");
  const generation = localGet(2, "i32");
  const spins = localGet(3, "i32");
  const met = (): Instruction => instruction("i32", "i32.atomic.load", [address], memoryBytes(4));
  const write = (...roots: readonly Instruction[]): void => flatten(roots, pool, code);
  const open = (block: "if" | "loop"): void => {
    writeBytes(code, opcodes[block]);
    writeByte(code, EMPTY_BLOCK);
  };
  const end = (): void => writeBytes(code, opcodes.end);

  write(scalar("i32.lt_s", constantI32(1), threads));
  open("if");
  write(localSet(2, met()));
  write(
    scalar("i32.eq", scalar("i32.add", instruction("i32", "i32.atomic.rmw.add", [address, constantI32(1)], memoryBytes(0)), constantI32(1)), threads),
  );
  open("if");
  write(
    instruction("none", "i32.atomic.store", [address, constantI32(0)], memoryBytes(0)),
    instruction("none", "drop", [instruction("i32", "i32.atomic.rmw.add", [address, constantI32(1)], memoryBytes(4))]),
    instruction("none", "drop", [instruction("i32", "memory.atomic.notify", [address, constantI32(-1)], memoryBytes(4))]),
  );
  writeBytes(code, opcodes.else);
  open("loop");
  write(scalar("i32.eq", met(), generation));
  open("if");
  write(instruction("i32", "i32.atomic.load", [address], memoryBytes(8)));
  open("if");
  writeBytes(code, opcodes.unreachable);
  end();
  write(localSet(3, scalar("i32.add", spins, constantI32(1))), scalar("i32.lt_s", constantI32(SPINS), spins));
  open("if");
  // −1 ns: without an end.
  const forever: Instruction = { type: "none", opcode: opcodes["i64.const"], operands: [], immediates: [0x7f], uses: 0 };
  write(instruction("none", "drop", [instruction("i32", "memory.atomic.wait32", [address, generation, forever], memoryBytes(4))]));
  end();
  writeBytes(code, opcodes.br);
  writeByte(code, 1); // to the loop, out of the `if` around
  end();
  end();
  end();
  end();
  return { params: ["i32", "i32"], results: [], locals: pool.types.slice(2), code: writtenBytes(code) };
}
