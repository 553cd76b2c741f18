/** What a command is given, and what it leaves. */

/** What each exit code means, for every command. */
export const EXIT_CODES = [
  [0, 'done; nothing is wrong'],
  [1, 'something is: a manifest would be denied, a configuration is not valid, the command failed'],
  [2, 'it could not be judged: a file cannot be read, or only the cluster knows'],
  [64, 'the command line is wrong'],
] as const;

export type ExitCode = (typeof EXIT_CODES)[number][0];

/** Of BSD's sysexits: the one code that no tool gives for a finding. */
export const USAGE: ExitCode = 64;

/** Where a bar may be drawn. */
export type Terminal = { readonly write: (text: string) => void; readonly columns: number };

export type CommandIo = {
  readonly write: (text: string) => void;
  readonly writeError: (text: string) => void;
  /** Standard input. */
  readonly input: AsyncIterable<Uint8Array>;
  /** Undefined where standard error is no terminal. */
  readonly terminal: Terminal | undefined;
  /** Puts a question to the person at the terminal; undefined where there is none to answer. */
  readonly ask?: ((question: string) => Promise<string>) | undefined;
  /** Aborts when the process is asked to stop. */
  readonly signal: AbortSignal;
};

export type CommandContext = {
  readonly io: CommandIo;
  readonly outcome: {
    code: ExitCode;
    /** Of a command that throws. */
    failure: ExitCode;
  };
};
