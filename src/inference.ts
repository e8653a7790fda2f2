/**
 * The public face of exported models: what `sluice export` puts beside their code and weights. Nothing here knows the compiler.
 */
export { loadExported } from "./model/exported/load.ts";
export { decodeTarget, encodeRows } from "./model/exported/table-rows.ts";
export { decodeText, encodeText } from "./train/data/text.ts";
