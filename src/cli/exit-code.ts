/**
 * What a shell or a script learns from a command. Documented in README.md; a number keeps its meaning.
 */
export const EXIT = {
  ok: 0,
  /** The equations, the model or the input have errors, or a check failed. */
  content: 1,
  /** Unknown command or option, missing or impossible argument. */
  usage: 2,
  /** Stopped by Ctrl-C (or a signal) before the end; what was trained is kept. */
  interrupted: 3,
  /** A file could not be read or written. */
  files: 4,
  /** A bug in Sluice. */
  internal: 70,
} as const;
