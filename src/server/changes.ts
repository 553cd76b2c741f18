/** Tells of changes to service accounts and namespaces before they are let in, so that no replica goes by what was before them. */

import { findChangedView, type IndexedObject } from '../objects/changed-view.ts';
import type { Subject } from '../objects/subject.ts';

export type Changes = {
  /** Undefined where nothing that an index keeps changes; else resolves once all who can be told were told, and never rejects. */
  tell(subject: Subject): Promise<void> | undefined;
};

export type ChangesOptions = {
  /** Keys of labels and annotations that are kept beside our own and those of built-in presets. */
  readonly schemeKeys: ReadonlySet<string>;
  /** Of this replica. */
  readonly index: { invalidate(changed: IndexedObject): void };
  /** Of the others; resolves within a bounded time. */
  readonly peers: { tell(changed: IndexedObject): Promise<void> };
};

export function createChanges({ schemeKeys, index, peers }: ChangesOptions): Changes {
  return {
    tell: (subject) => {
      const changed = findChangedView(subject, schemeKeys);
      if (changed === undefined) return undefined;
      index.invalidate(changed);
      return peers.tell(changed);
    },
  };
}
