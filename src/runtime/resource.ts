/**
 * Bytes from where an application keeps them: given, fetched, or read from a file.
 *
 * In: bytes, a response, or an address. Out: bytes. Never caches.
 */
import { SluiceError } from "../support/diagnostic.ts";
import { hasFiles, readFileBytes } from "./platform.ts";

/** Bytes, a response whose body they are, or the address to fetch them from. */
export type Resource = Uint8Array | ArrayBuffer | Response | URL | string;

/** The bytes of a resource. @throws SluiceError E468 if they cannot be had; `name` says what is missing */
export async function resourceBytes(resource: Resource, name: string): Promise<Uint8Array> {
  if (resource instanceof Uint8Array) return resource;
  if (resource instanceof ArrayBuffer) return new Uint8Array(resource);
  if (resource instanceof Response) return responseBytes(resource, name);
  const url = addressOf(resource, name);
  if (url.protocol === "file:" && hasFiles()) return readFileBytes(url);
  let response: Response;
  try {
    response = await fetch(url);
  } catch (cause) {
    throw new SluiceError("E468", `${name} could not be fetched from ${url.href}: ${cause instanceof Error ? cause.message : cause}`, [], { cause });
  }
  return responseBytes(response, name);
}

/** A text is relative to the page or the worker it is used in. */
function addressOf(resource: URL | string, name: string): URL {
  const base = typeof document !== "undefined" ? document.baseURI : typeof location !== "undefined" ? location.href : undefined;
  try {
    return new URL(resource, base);
  } catch (cause) {
    throw new SluiceError("E468", `${name}: “${resource}” is no address; give a URL, or the bytes`, [], { cause });
  }
}

async function responseBytes(response: Response, name: string): Promise<Uint8Array> {
  if (!response.ok) throw new SluiceError("E468", `${name} could not be fetched from ${response.url}: the server answered ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
