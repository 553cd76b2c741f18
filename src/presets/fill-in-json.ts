import type { JsonValue } from '../objects/json.ts';
import { isObject } from '../objects/json.ts';
import type { Preset } from './format.ts';
import { fillIn, listPlaceholders } from './format.ts';

type Filling = { readonly values: ReadonlyMap<string, string>; readonly parameters: Preset['parameters'] };

/**
 * The content of a credential file. What has a text that names a parameter without a value is left out, and so is what
 * then has no members any more. The content is a preset's, so it is not deep.
 */
export function fillInJson(value: JsonValue, filling: Filling): JsonValue | undefined {
  if (typeof value === 'string') return fillInText(value, filling);
  if (Array.isArray(value)) {
    return value.map((entry) => fillInJson(entry, filling)).filter((entry) => entry !== undefined);
  }
  if (!isObject(value)) return value;
  const before = Object.entries(value);
  const entries = before.flatMap(([key, entry]) => {
    const filled = fillInJson(entry, filling);
    return filled === undefined ? [] : [[key, filled] as const];
  });
  return entries.length === 0 && before.length > 0 ? undefined : Object.fromEntries(entries);
}

function fillInText(text: string, { values, parameters = {} }: Filling): string | number | undefined {
  const [name] = listPlaceholders(text);
  if (name === undefined) return text;
  const filled = fillIn(text, values);
  const isNumber = text === `\${${name}}` && new Map(Object.entries(parameters)).get(name)?.isNumber === true;
  return isNumber && filled !== undefined ? Number(filled) : filled;
}
