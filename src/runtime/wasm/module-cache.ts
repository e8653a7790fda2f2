/**
 * A small cache of compiled WebAssembly modules: the same bytes are compiled once per process, whatever variant asked for them.
 */

const capacity = 32;
/** The most recently used last. */
const modules: { readonly bytes: Uint8Array; readonly module: WebAssembly.Module }[] = [];

/** Compiles bytes off the thread, so that `moduleOf` has their module at once: a page may compile only small modules on its main thread. */
export async function compileAhead(bytes: Uint8Array): Promise<void> {
  keep(bytes, await WebAssembly.compile(bytes as Uint8Array<ArrayBuffer>));
}

/** Compiles bytes, or returns the module compiled from equal bytes before. @throws WebAssembly.CompileError for bytes that are no module */
export function moduleOf(bytes: Uint8Array): WebAssembly.Module {
  const at = modules.findIndex((known) => equalBytes(known.bytes, bytes));
  if (at >= 0) {
    const [known] = modules.splice(at, 1);
    modules.push(known);
    return known.module;
  }
  const module = new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
  keep(bytes, module);
  return module;
}

function keep(bytes: Uint8Array, module: WebAssembly.Module): void {
  if (modules.length >= capacity) modules.shift();
  modules.push({ bytes, module });
}

/** FNV-1a, 32 bits: tells bytes apart where a collision is an accident that costs little. */
export function fingerprint(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
  return hash >>> 0;
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
