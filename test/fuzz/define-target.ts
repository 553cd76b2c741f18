import { fc } from '../properties.ts';

/** A property whose `hold` throws where something does not hold. */
export type TargetProperty = { readonly name: string; readonly property: fc.IProperty<unknown> };

export function defineTarget<T>(name: string, arbitrary: fc.Arbitrary<T>, hold: (input: T) => void): TargetProperty {
  return { name, property: fc.property(arbitrary, hold) as fc.IProperty<unknown> };
}
