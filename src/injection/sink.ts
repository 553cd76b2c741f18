/** Where everything goes that is said while tokens are put into a pod. */

export type EmittedChange = { readonly path: string; readonly detail: string; readonly warnings: readonly string[] };
export type Conflict = { readonly path: string; readonly detail: string; readonly fix: string };

export type Sink = {
  change(path: string, detail: string, warnings?: readonly string[]): void;
  conflict(path: string, detail: string, fix: string): void;
  note(text: string): void;
  readonly changes: readonly EmittedChange[];
  readonly conflicts: readonly Conflict[];
  readonly notes: readonly string[];
};

export function createSink(): Sink {
  const changes: EmittedChange[] = [];
  const conflicts: Conflict[] = [];
  const notes: string[] = [];
  return {
    changes,
    conflicts,
    notes,
    change: (path, detail, warnings = []) => {
      changes.push({ path, detail, warnings });
    },
    conflict: (path, detail, fix) => {
      conflicts.push({ path, detail, fix });
    },
    note: (text) => {
      notes.push(text);
    },
  };
}
