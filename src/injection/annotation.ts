/**
 * The value of an annotation `tokens.curfew.dev/<name>`: a small YAML mapping, checked by a closed JSON schema. What is
 * wrong with it is told to its author, who reads it in the denial of a pod.
 */

import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { Static } from 'typebox';
import { Type } from 'typebox';
import { isNode, parseDocument, visit } from 'yaml';
import { findClosest, suggest } from '../objects/closest.ts';
import { parseSeconds } from '../objects/duration.ts';
import { TOKEN_ANNOTATION_PREFIX } from '../objects/injection-keys.ts';
import type { JsonObject } from '../objects/json.ts';
import { asString, isObject, member } from '../objects/json.ts';
import { quote, toOneLine } from '../objects/text.ts';
import type { Preset, Presets } from '../presets/format.ts';
import { NUMBER } from '../presets/format.ts';

/** Larger values are not parsed. */
const MOST_BYTES = 4096;
/** Brackets and list marks: YAML nests by them, and its parser recurses. */
const MOST_MARKS = 100;

const closed = { additionalProperties: false };
const ContainerNames = (description: string) =>
  Type.Array(Type.String({ pattern: '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$', description: 'the name of a container' }), {
    minItems: 1,
    maxItems: 64,
    uniqueItems: true,
    description,
  });

/** Descriptions are what a person reads after `allowed:`. */
const properties = {
  audience: Type.Optional(
    Type.String({ pattern: '^[\\x21-\\x7e]{1,1024}$', description: 'one audience, such as vault' }),
  ),
  expiration: Type.Optional(
    Type.Unsafe<string | number>({ type: ['string', 'integer'], description: 'seconds, or a duration such as 10m' }),
  ),
  env: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z_][A-Za-z0-9_]{0,127}$',
      description: 'the name of one variable, such as VAULT_TOKEN_PATH',
    }),
  ),
  mountPath: Type.Optional(
    Type.String({
      pattern: '^(/[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}){1,16}$',
      description: 'an absolute path of a directory, such as /var/run/curfew/vault',
    }),
  ),
  path: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}(/[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}){0,3}$',
      description: 'a file name, such as token',
    }),
  ),
  mode: Type.Optional(
    Type.String({ pattern: '^0[0-7]{3}$', description: 'four octal digits in quotes, such as "0440"' }),
  ),
  containers: Type.Optional(ContainerNames('a list of container names, such as [app]')),
  excludeContainers: Type.Optional(ContainerNames('a list of container names, such as [proxy]')),
  overrideEnv: Type.Optional(Type.Boolean({ description: 'true or false' })),
  preset: Type.Optional(Type.String({ description: 'the name of a preset' })),
};

/** What a value may say; a preset adds its parameters. */
export const TokenSchema = Type.Object(properties, closed);

/** What somebody asked for, checked on its own: whether it fits the pod is another question. */
export type AskedToken = Omit<Static<typeof TokenSchema>, 'expiration' | 'preset'> & {
  readonly expirationSeconds?: number;
  readonly preset?: string;
  /** Parameters of the preset that are given in the annotation. */
  readonly parameters: ReadonlyMap<string, string>;
};

/** A sentence without its subject, which is the annotation, and what to write instead. */
export type Problem = { readonly problem: string; readonly fix: string };

export type ParsedToken =
  | { readonly state: 'asked'; readonly token: AskedToken }
  /** The pod takes away what its account or namespace asks for. */
  | { readonly state: 'off' }
  | { readonly state: 'wrong'; readonly problems: readonly Problem[] };

export type Limits = { readonly minSeconds: number; readonly maxSeconds: number };

/** Parses and checks the value of the annotation of token `name`. Never throws. */
export function parseToken(
  name: string,
  text: string,
  { presets, limitsOf }: { readonly presets: Presets; readonly limitsOf: (preset: Preset | undefined) => Limits },
): ParsedToken {
  const wrong = (problem: string, fix?: string): ParsedToken => ({
    state: 'wrong',
    problems: [{ problem, fix: fix ?? exampleOf(name) }],
  });
  if (!/^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$/.test(name)) {
    return wrong(
      `its name after the slash, ${quote(name)}, must be lower-case letters, digits and hyphens, at most 40, as it names the volume`,
    );
  }
  const parsed = parseYaml(text);
  if ('problem' in parsed) return wrong(parsed.problem);
  const { value } = parsed;
  if (value === 'off') return { state: 'off' };
  if (!isObject(value)) return wrong(`its value is ${quote(text)}; allowed: a YAML mapping, or off`);

  const presetName = asString(member(value, 'preset'));
  const preset = presetName === undefined ? undefined : presets.get(presetName);
  if (presetName !== undefined && preset === undefined) {
    const known = [...presets.keys()];
    const near = findClosest(presetName, known) ?? 'aws-irsa';
    return wrong(
      `preset ${quote(presetName)} is not known${suggest(presetName, known)}`,
      `set ${keyOf(name)}: "{preset: ${near}}"`,
    );
  }
  const validate = validatorOf(preset);
  const errors = validate(value) ? [] : (validate.errors ?? []).slice(0, 10);
  const seconds = readExpiration(value, limitsOf(preset));
  const problems = [
    ...errors.map((error) => toProblem(name, error)),
    ...(preset === undefined && errors.length === 0 && value['audience'] === undefined
      ? [{ problem: 'it lacks the key "audience", or "preset" in its place', fix: `add audience to ${keyOf(name)}` }]
      : []),
    ...(typeof seconds === 'string' ? [{ problem: seconds, fix: fixOf(name, 'expiration') }] : []),
  ];
  if (problems.length > 0 || typeof seconds === 'string') return { state: 'wrong', problems };
  return { state: 'asked', token: toAsked(value, preset, seconds) };
}

/** Names in both lists are left out, as in Alibaba's webhook: to leave out is the safe side. */
function toAsked(value: JsonObject, preset: Preset | undefined, seconds: number | undefined): AskedToken {
  const declared = Object.keys(preset?.parameters ?? {});
  const parameters = declared.flatMap((key) => {
    const stated = member(value, key);
    const given = typeof stated === 'number' ? String(stated) : asString(stated);
    return given === undefined ? [] : [[key, given] as const];
  });
  const own = Object.entries(value).filter(([key]) => Object.hasOwn(properties, key) && key !== 'expiration');
  return {
    ...(Object.fromEntries(own) as Omit<AskedToken, 'parameters'>),
    ...(seconds === undefined ? {} : { expirationSeconds: seconds }),
    parameters: new Map(parameters),
  };
}

function readExpiration(value: JsonObject, { minSeconds, maxSeconds }: Limits): number | undefined | string {
  const given = value['expiration'];
  // Of another type: the schema has told it already.
  if (typeof given !== 'string' && !Number.isInteger(given)) return undefined;
  const seconds = parseSeconds(given);
  const seen = typeof given === 'string' ? quote(given) : JSON.stringify(given);
  if (seconds === 3607)
    return `expiration is ${seen}: the API server can make 3607 seconds a year; allowed: any other number`;
  if (seconds === undefined) return `expiration is ${seen}; allowed: seconds, or a duration such as 10m`;
  if (seconds >= minSeconds && seconds <= maxSeconds) return seconds;
  return `expiration is ${seen}; allowed: ${minSeconds} to ${maxSeconds} seconds, or a duration such as 10m`;
}

/** The API server keeps annotations as they are written, so anything may be here. */
function parseYaml(text: string): { readonly value: unknown } | { readonly problem: string } {
  const bytes = new TextEncoder().encode(text).length;
  if (bytes > MOST_BYTES) return { problem: `its value has ${bytes} bytes; allowed: at most ${MOST_BYTES}` };
  if ((text.match(/[[{]|[-?]\s/g) ?? []).length > MOST_MARKS) {
    return { problem: `its value has more than ${MOST_MARKS} brackets and list marks` };
  }
  try {
    const document = parseDocument(text, { uniqueKeys: true, prettyErrors: false, logLevel: 'error' });
    const [error] = document.errors;
    if (error !== undefined) return { problem: `its value ${quote(text)} is not YAML: ${error.message}` };
    if (hasReferences(document)) {
      return { problem: 'its value has an anchor, an alias or a tag; write the values out' };
    }
    return { value: document.toJS({ maxAliasCount: 0 }) as unknown };
  } catch {
    return { problem: 'its value is nested too deeply' };
  }
}

function hasReferences(document: ReturnType<typeof parseDocument>): boolean {
  let isFound = false;
  visit(document, {
    Alias: () => {
      isFound = true;
      return visit.BREAK;
    },
    Node: (_, node) => {
      const hasOne = isNode(node) && (('anchor' in node && node.anchor !== undefined) || node.tag !== undefined);
      if (hasOne) isFound = true;
      return hasOne ? visit.BREAK : undefined;
    },
  });
  return isFound;
}

/** Compiled at first use: a pod that asks for nothing pays nothing. A preset is one object as long as it is in force. */
const validators = new WeakMap<object, ValidateFunction>();

function validatorOf(preset: Preset | undefined): ValidateFunction {
  const key = preset ?? TokenSchema;
  const known = validators.get(key);
  if (known !== undefined) return known;
  const validate = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true, verbose: true }).compile(
    schemaOf(preset),
  );
  validators.set(key, validate);
  return validate;
}

/** A parameter goes into variables and JSON: printable, and nothing that the kubelet or a template would expand. */
export const PARAMETER_PATTERN = '^[\\x21\\x23\\x25-\\x5b\\x5d-\\x7e]{1,512}$';

/** The schema of a value, with the parameters of `preset` if it names one. */
export function schemaOf(preset: Preset | undefined): JsonObject {
  const parameter = {
    type: 'string',
    pattern: PARAMETER_PATTERN,
    description: 'text of at most 512 printable characters without spaces, quotes, backslashes and $',
  };
  const number = { type: ['string', 'integer'], pattern: NUMBER.source, minimum: 0, description: 'a number' };
  const declared = Object.fromEntries(
    Object.entries(preset?.parameters ?? {}).map(([name, { isNumber = false }]) => [
      name,
      isNumber ? number : parameter,
    ]),
  );
  return { type: 'object', ...closed, properties: { ...declared, ...(properties as unknown as JsonObject) } };
}

/** `mode is 440; allowed: …`, or the words of the configuration's mistakes for keys. */
function toProblem(name: string, error: ErrorObject): Problem {
  const steps = error.instancePath.split('/').slice(1);
  const [key = ''] = steps;
  if (error.keyword === 'additionalProperties') {
    const unknown = toOneLine(String(error.params['additionalProperty'])).slice(0, 80);
    const known = listKnown(error);
    const near = findClosest(unknown, known);
    const fix = near === undefined ? `take ${quote(unknown)} out of` : `write ${near} in place of ${unknown} in`;
    return {
      problem: `it has the unknown key ${quote(unknown)}${suggest(unknown, known)}`,
      fix: `${fix} ${keyOf(name)}`,
    };
  }
  const allowed = asString(member(error.parentSchema, 'description')) ?? error.message ?? 'another value';
  return { problem: `${steps.join('.')} is ${describeSeen(error.data)}; allowed: ${allowed}`, fix: fixOf(name, key) };
}

function listKnown({ parentSchema }: ErrorObject): readonly string[] {
  const known = member(parentSchema, 'properties');
  return Object.keys(isObject(known) ? known : {});
}

/** What is right for each key, to be pasted. */
const RIGHT: ReadonlyMap<string, string> = new Map([
  ['audience', 'audience: vault'],
  ['expiration', 'expiration: 10m'],
  ['env', 'env: VAULT_TOKEN_PATH'],
  ['mountPath', 'mountPath: /var/run/curfew/vault'],
  ['path', 'path: token'],
  ['mode', 'mode: "0440"'],
  ['containers', 'containers: [app]'],
  ['excludeContainers', 'excludeContainers: [proxy]'],
  ['overrideEnv', 'overrideEnv: true'],
]);

function keyOf(name: string): string {
  return `${TOKEN_ANNOTATION_PREFIX}${name}`;
}

function fixOf(name: string, key: string): string {
  const right = RIGHT.get(key);
  return right === undefined ? `correct ${key} in ${keyOf(name)}` : `write for example ${right} in ${keyOf(name)}`;
}

function describeSeen(data: unknown): string {
  if (typeof data === 'string') return quote(data);
  if (Array.isArray(data)) return data.length === 0 ? 'an empty list' : 'a list';
  return isObject(data) ? 'a mapping' : String(data);
}

function exampleOf(name: string): string {
  const shown = /^[a-z0-9-]{1,40}$/.test(name) ? name : 'vault';
  return `set ${keyOf(shown)}: "{audience: vault, expiration: 10m}"`;
}
