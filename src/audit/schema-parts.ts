/** What the schema of the audit report is made of. Every object in it is closed, and no list is changed once it is there. */

import type { TProperties, TSchema } from 'typebox';
import { Type } from 'typebox';

export function closed<const Properties extends TProperties>(properties: Properties, description?: string) {
  return Type.Object(properties, {
    additionalProperties: false,
    ...(description === undefined ? {} : { description }),
  });
}

export function list<Item extends TSchema>(item: Item, description?: string) {
  return Type.Immutable(Type.Array(item, description === undefined ? {} : { description }));
}

export function oneOf<const Values extends readonly string[]>(values: Values, description?: string) {
  return Type.Unsafe<Values[number]>(
    Type.String({ enum: [...values], ...(description === undefined ? {} : { description }) }),
  );
}

export function text(description?: string) {
  return Type.String(description === undefined ? {} : { description });
}

export function count(description: string) {
  return Type.Integer({ minimum: 0, description });
}

export function perhaps<Schema extends TSchema>(schema: Schema) {
  return Type.Optional(schema);
}

/** What made pods, as far up as can be told: a Deployment, or the pod itself. */
export const OwnerSchema = closed({ kind: text(), name: text() });
