/** Sentences for what is wrong with a configuration: what was seen, what is allowed, the closest valid key. */

import type { ErrorObject } from 'ajv';
import { suggest } from '../objects/closest.ts';
import { asString, isObject } from '../objects/json.ts';
import { quote, toOneLine } from '../objects/text.ts';

/** One mistake in a configuration: where, and a sentence with what was seen and what is allowed. */
export type ConfigurationProblem = {
  /** JSON pointer; `/` for the whole. */
  readonly path: string;
  readonly problem: string;
  /** The key of the object at `path` that is wrong itself, and not its value. */
  readonly key?: string;
};

/** One sentence for an error of the schema validator. */
export function describeProblem(error: ErrorObject): ConfigurationProblem {
  const path = error.instancePath === '' ? '/' : toOneLine(error.instancePath);
  const seen = describeSeen(error.data);
  const { params } = error;
  switch (error.keyword) {
    case 'additionalProperties': {
      const key = String(params['additionalProperty']);
      return { path, problem: describeUnknownKey(key, error.parentSchema), key };
    }
    case 'required':
      return { path, problem: `lacks the key ${quote(String(params['missingProperty']))}` };
    case 'enum': {
      const allowed = params['allowedValues'] as readonly unknown[];
      // Helm and kubectl read YAML 1.1, in which an unquoted off is false, and so is what they write.
      const hint = error.data === false && allowed.includes('off') ? ': write "off" in quotes' : '';
      return { path, problem: `${seen}is not allowed${hint}; allowed: ${allowed.join(', ')}` };
    }
    case 'pattern': {
      const meaning = asString(error.parentSchema?.['description']);
      return { path, problem: `${seen}is not allowed${meaning === undefined ? `: ${error.message}` : `; ${meaning}`}` };
    }
    case 'const':
      return { path, problem: `${seen}is not allowed; allowed: ${String(params['allowedValue'])}` };
    case 'not':
      return { path, problem: `${seen}is not allowed: the API server makes it a token of a year` };
    default:
      return { path, problem: `${seen}${error.message ?? 'is not valid'}` };
  }
}

/** Longer values are cut. */
const MOST_SEEN_CHARACTERS = 120;

/** A value as JSON, with a space behind it. JSON leaves some characters as they are that a terminal obeys. */
function describeSeen(data: unknown): string {
  if (isObject(data) || Array.isArray(data)) return '';
  const seen = toOneLine(JSON.stringify(data) ?? '');
  return `${seen.length > MOST_SEEN_CHARACTERS ? `${seen.slice(0, MOST_SEEN_CHARACTERS).toWellFormed()}…` : seen} `;
}

function describeUnknownKey(key: string, schema: ErrorObject['parentSchema']): string {
  const known = Object.keys(isObject(schema?.['properties']) ? schema['properties'] : {});
  // An object with keys of the user's own choice: those are names of namespaces.
  if (known.length === 0) {
    return `has the key ${quote(key)}, which is no name of a namespace: 1 to 63 of a-z, 0-9 and -, with - inside alone`;
  }
  return `has the unknown key ${quote(key)}${suggest(key, known)}`;
}
