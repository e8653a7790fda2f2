/**
 * A small cache of compiled WebAssembly modules: the same bytes are compiled once per process, whatever variant asked for them.
 */

const capacity = 32;
const modules = new Map<string, { readonly bytes: Uint8Array; readonly module: WebAssembly.Module }>();

/** Compiles bytes off the thread, so that `moduleOf` has their module at once: a page may compile only small modules on its main thread. */
export async function compileAhead(bytes: Uint8Array): Promise<void> {
  keep(bytes, await WebAssembly.compile(bytes as Uint8Array<ArrayBuffer>));
}

/** Compiles bytes, or returns the module compiled from equal bytes before. @throws WebAssembly.CompileError for bytes that are no module */
export function moduleOf(bytes: Uint8Array): WebAssembly.Module {
  const key = keyOf(bytes);
  const known = modules.get(key);
  if (known !== undefined && equalBytes(known.bytes, bytes)) {
    modules.delete(key);
    modules.set(key, known); // most recently used last
    return known.module;
  }
  const module = new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
  keep(bytes, module);
  return module;
}

const keyOf = (bytes: Uint8Array): string => `${bytes.length}:${fingerprint(bytes)}`;

function keep(bytes: Uint8Array, module: WebAssembly.Module): void {
  if (modules.size >= capacity) modules.delete(modules.keys().next().value!);
  modules.set(keyOf(bytes), { bytes, module });
}

/** FNV-1a, 32 bits: tells bytes apart where a collision costs little (here a compilation: equality of the bytes decides). */
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
