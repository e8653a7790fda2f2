/**
 * The function in which threads of one shared memory wait for each other. Comes in: nothing. Goes out: a function (address, threads) over two i32 at
 * the address: how many have arrived, and how many times all have met; a third i32 says that a thread has failed: then all trap. The last to come resets
 * the first, counts up the second and wakes the others, who spin on it for a while and then sleep. Whoever sleeps long asks the host whether a thread has
 * ended, as often as it takes: a slow step is waited for without an end, a dead thread is not. One thread alone passes at once. Sleeping traps where an
 * engine forbids it (a browser's main thread).
 * @source the centralised barrier with a generation count; Mellor-Crummey & Scott 1991 (sense reversal)
 */
import type { AssembledFunction, ImportedFunction } from "./assembler.ts";
import { createByteWriter, signedBytes, unsignedBytes, writeByte, writeBytes, writtenBytes } from "./bytes.ts";
import { constantI32, createLocalPool, flatten, type Instruction, instruction, localGet, localSet, memoryBytes, scalar } from "./instruction.ts";
import { opcodes } from "./opcodes.ts";

/** Reads before sleeping: about as long as it takes to sleep and be woken. More would make threads without a core of their own wait for spinning ones. */
const SPINS = 40_000;
/** Nanoseconds asleep before the host is asked: no wait of a healthy run is so long, and a dead thread is noticed soon enough. */
const ASKING_NS = 1_000_000_000;
const TIMED_OUT = 2;
const EMPTY_BLOCK = 0x40;

/** What a host gives to modules with barriers: `absent()` is not 0 once a thread has ended that the others would wait for. */
export const ABSENT: ImportedFunction = { import: ["env", "absent"], params: [], results: ["i32"] };

/** The function; `absent` is the index of the imported one. */
export function emitBarrier(absent: number): AssembledFunction {
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
  const patience: Instruction = { type: "none", opcode: opcodes["i64.const"], operands: [], immediates: signedBytes(ASKING_NS), uses: 0 };
  write(scalar("i32.eq", instruction("i32", "memory.atomic.wait32", [address, generation, patience], memoryBytes(4)), constantI32(TIMED_OUT)));
  open("if");
  write(instruction("i32", "call", [], unsignedBytes(absent)));
  open("if");
  writeBytes(code, opcodes.unreachable);
  end();
  end();
  end();
  writeBytes(code, opcodes.br);
  writeByte(code, 1); // to the loop, out of the `if` around
  end();
  end();
  end();
  end();
  return { params: ["i32", "i32"], results: [], locals: pool.types.slice(2), code: writtenBytes(code) };
}
