/** The part of a logger that the long-running parts need; a pino logger is one. */
export type KubeLog = {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
};
