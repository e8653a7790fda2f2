/** Version of the package; set when it is bundled. */
declare const SLUICE_VERSION: string | undefined;

export const VERSION: string = typeof SLUICE_VERSION === "string" ? SLUICE_VERSION : "development";
