/** The places of an object where somebody may have pasted a credential as text, and the words for them. */

import type { Container } from '../containers.ts';
import { listContainers } from '../containers.ts';
import type { JsonPath, JsonValue } from '../json.ts';
import { asArray, asString, isObject, member, valueAt } from '../json.ts';
import type { FoundPodSpec } from '../pod-spec.ts';
import { findPodSpecs } from '../pod-spec.ts';
import type { Subject } from '../subject.ts';
import { quote } from '../text.ts';
import { LEAST_TOKEN_CHARACTERS } from './find-tokens.ts';

/** What `kubectl apply` keeps of the object that was applied: it repeats what is judged where it stands. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** Longer names are no names, and one that begins as a token does may be a part of it. */
const VARIABLE_NAME = /^(?!.*eyJ)[A-Za-z_][\w.-]{0,62}$/;

export type PastedText = {
  readonly text: string;
  /** True if the API stores it as base64. */
  readonly isData: boolean;
  /** Where it stands. Asked for where something was found only: a Secret may have thousands of values. */
  readonly locate: () => PastedPlace;
};

export type PastedPlace = {
  readonly path: JsonPath;
  /** Stays the same when elements are reordered; several texts may share it, such as the arguments of a container. */
  readonly key: string;
  /** For a sentence: `key "token"`, `environment variable "TOKEN"`. */
  readonly name: string;
  readonly container?: string;
};

/**
 * Every such text of a Secret, a ConfigMap, a pod or a template of pods, and of its annotations, that is long enough to
 * hold a token: most objects have none, and then nothing is made for them.
 */
export function listPastedTexts(subject: Subject): readonly PastedText[] {
  const found: PastedText[] = [];
  if (subject.resource.name === 'secrets') {
    addData(found, subject, { field: 'data', isData: true });
    addData(found, subject, { field: 'stringData', isData: false });
  }
  if (subject.resource.name === 'configmaps') {
    addData(found, subject, { field: 'data', isData: false });
    addData(found, subject, { field: 'binaryData', isData: true });
  }
  addAnnotations(found, subject, { path: ['metadata'], owner: '' });
  for (const pod of findPodSpecs(subject)) addTextsOfPod(found, subject, pod);
  return found;
}

function mayHoldToken(text: unknown): text is string {
  return typeof text === 'string' && text.length >= LEAST_TOKEN_CHARACTERS;
}

function addData(
  found: PastedText[],
  { object }: Subject,
  { field, isData }: { readonly field: string; readonly isData: boolean },
): void {
  const data = member(object, field);
  if (!isObject(data)) return;
  // Its keys, not its entries: those take five times as long where there are thousands.
  for (const key of Object.keys(data)) {
    const text = data[key];
    if (!mayHoldToken(text)) continue;
    const locate = () => ({ path: [field, key], key: `key ${key}`, name: `key ${quote(key)}` });
    found.push({ text, isData, locate });
  }
}

function addTextsOfPod(found: PastedText[], subject: Subject, pod: FoundPodSpec): void {
  const owner = pod.identity === '' ? '' : `${pod.identity}: `;
  const holder = pod.path.slice(0, -1);
  // A pod's own annotations are the object's.
  if (holder.length > 0) addAnnotations(found, subject, { path: [...holder, 'metadata'], owner: `${owner}pod ` });
  for (const container of listContainers(pod.spec)) addTextsOfContainer({ found, pod, container });
}

/** Its variables, its own command line, and in handlers the commands that the kubelet runs and the headers that it sends. */
function addTextsOfContainer(place: Place): void {
  const { container } = place.container;
  addVariables(place);
  for (const field of ['command', 'args']) addWords(place, [field], member(container, field));
  for (const probe of PROBES) {
    const handler = member(container, probe);
    if (handler !== undefined) addHandler(place, [probe], handler);
  }
  const lifecycle = member(container, 'lifecycle');
  if (lifecycle === undefined) return;
  for (const hook of ['postStart', 'preStop']) addHandler(place, ['lifecycle', hook], member(lifecycle, hook));
}

const PROBES = ['livenessProbe', 'readinessProbe', 'startupProbe'] as const;

function addHandler(place: Place, path: JsonPath, handler: JsonValue | undefined): void {
  const command = member(member(handler, 'exec'), 'command');
  if (command !== undefined) addWords(place, [...path, 'exec', 'command'], command);
  const headers = member(member(handler, 'httpGet'), 'httpHeaders');
  if (headers !== undefined) addWords(place, [...path, 'httpGet', 'httpHeaders'], headers);
}

/** @param place - path of the `metadata`, and what the key begins with */
function addAnnotations(
  found: PastedText[],
  { object }: Subject,
  { path, owner }: { readonly path: JsonPath; readonly owner: string },
): void {
  const annotations = member(valueAt(object, path), 'annotations');
  if (!isObject(annotations)) return;
  for (const key of Object.keys(annotations)) {
    const text = annotations[key];
    if (!mayHoldToken(text) || key === LAST_APPLIED) continue;
    const locate = () => ({
      path: [...path, 'annotations', key],
      key: `${owner}annotation ${key}`,
      name: `annotation ${quote(key)}`,
    });
    found.push({ text, isData: false, locate });
  }
}

type Place = { readonly found: PastedText[]; readonly pod: FoundPodSpec; readonly container: Container };

function addVariables(place: Place): void {
  const variables = asArray(member(place.container.container, 'env'));
  for (let index = 0; index < variables.length; index += 1) {
    const text = member(variables[index], 'value');
    if (mayHoldToken(text)) {
      place.found.push({ text, isData: false, locate: () => locateVariable(place, variables[index], index) });
    }
  }
}

function locateVariable(place: Place, variable: JsonValue | undefined, index: number): PastedPlace {
  const called = asString(member(variable, 'name')) ?? '';
  return {
    path: [...pathOf(place), 'env', index, 'value'],
    key: `${ownerOf(place)}env ${called}`,
    name: VARIABLE_NAME.test(called) ? `environment variable ${quote(called)}` : 'an environment variable',
    container: place.container.name,
  };
}

/** A command line, or the headers of a request: what stands in them is said of the field. */
function addWords(place: Place, field: JsonPath, words: JsonValue | undefined): void {
  for (const [index, word] of asArray(words).entries()) {
    const isWord = typeof word === 'string';
    const text = isWord ? word : member(word, 'value');
    if (mayHoldToken(text)) {
      const steps = [...field, index, ...(isWord ? [] : ['value'])];
      place.found.push({ text, isData: false, locate: () => locateWord(place, field, steps) });
    }
  }
}

function locateWord(place: Place, field: JsonPath, steps: JsonPath): PastedPlace {
  const called = field.join('.');
  return {
    path: [...pathOf(place), ...steps],
    key: `${ownerOf(place)}${called}`,
    name: `field ${called}`,
    container: place.container.name,
  };
}

function pathOf({ pod, container }: Place): JsonPath {
  return [...pod.path, ...container.path];
}

/** What the keys of a container's texts begin with. */
function ownerOf({ pod, container }: Place): string {
  return `${pod.identity === '' ? '' : `${pod.identity}: `}${container.name}/`;
}
