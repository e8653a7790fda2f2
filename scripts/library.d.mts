export function buildLibrary(
  outdir: string,
  options: { readonly version: string; readonly folder?: string; readonly logLevel?: "warning" | "error" },
): Promise<void>;
