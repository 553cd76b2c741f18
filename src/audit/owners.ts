/** Who made what: from a pod up to what a person wrote. */

import { asString, valueAt } from '../objects/json.ts';
import type { Owner } from '../objects/owner.ts';
import { readController } from '../objects/owner.ts';
import type { Subject } from '../objects/subject.ts';

/** The kind and name that people know. */
export type NamedOwner = { readonly kind: string; readonly name: string };

export type OwnerBook = {
  /** Takes note of who controls this object, if anybody does; nothing else of it is kept. */
  note(subject: Subject): void;
  /** The top of the chain; an owner of whom nothing is known is the top himself. */
  findTop(owner: NamedOwner & { readonly uid?: string }): NamedOwner;
};

/** A Knative Service is four above its pods. References may be written by anybody, in a circle too. */
const MOST_STEPS = 8;

export function createOwnerBook(): OwnerBook {
  const controllers = new Map<string, Owner>();
  return {
    note({ object }) {
      const uid = asString(valueAt(object, ['metadata', 'uid']));
      const controller = readController(object);
      if (uid !== undefined && controller !== undefined) controllers.set(uid, controller);
    },
    findTop(owner) {
      let top: NamedOwner & { readonly uid?: string } = owner;
      for (let step = 0; step < MOST_STEPS; step += 1) {
        const next = controllers.get(top.uid ?? '');
        if (next === undefined) break;
        top = next;
      }
      return { kind: top.kind, name: top.name };
    },
  };
}
