/**
 * A small cache of compiled WebAssembly modules: the same bytes are compiled once per process, whatever variant asked for them.
 */

const capacity = 32;
const modules = new Map<string, { readonly bytes: Uint8Array; readonly module: WebAssembly.Module }>();

/** Compiles bytes, or returns the module compiled from equal bytes before. @throws WebAssembly.CompileError for bytes that are no module */
export function moduleOf(bytes: Uint8Array): WebAssembly.Module {
  const key = `${bytes.length}:${fingerprint(bytes)}`;
  const known = modules.get(key);
  if (known !== undefined && equalBytes(known.bytes, bytes)) {
    modules.delete(key);
    modules.set(key, known); // most recently used last
    return known.module;
  }
  const module = new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
  if (modules.size >= capacity) modules.delete(modules.keys().next().value!);
  modules.set(key, { bytes, module });
  return module;
}

// FNV-1a, 32 bits; equality of the bytes decides, so a collision costs a compilation and nothing else.
function fingerprint(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
  return hash >>> 0;
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
