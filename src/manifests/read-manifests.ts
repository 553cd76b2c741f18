/** The text of a file to its Kubernetes objects, each with the place that it has in the file. */

import type { Document, Tags } from 'yaml';
import { isCollection, LineCounter, parseDocument, visit } from 'yaml';
import type { JsonObject, JsonPath, JsonValue } from '../objects/json.ts';
import { asString, isObject, member, toPointer } from '../objects/json.ts';
import { joinSome } from '../objects/text.ts';
import type { DocumentText } from './split-documents.ts';
import { splitDocuments } from './split-documents.ts';

/** A place in a file, from 1. */
export type Place = { readonly line: number; readonly column: number };

export type Manifest = {
  readonly file: string;
  readonly object: JsonObject;
  /** Where the object is in its document: empty, or in the `items` of lists. */
  readonly path: JsonPath;
  readonly document: DocumentText;
};

/** What could not be read. */
export type ManifestFault = Place & {
  readonly file: string;
  /** One sentence, without a full stop. */
  readonly message: string;
};

export type ReadManifests = {
  readonly manifests: readonly Manifest[];
  readonly faults: readonly ManifestFault[];
  /** Documents that are YAML and no Kubernetes objects: the values of a chart, a workflow. */
  readonly others: number;
};

const TIMESTAMP = 'tag:yaml.org,2002:timestamp';

/** As much as the API server takes (apiserver, the limit of a request body is 3 MiB), and Curfew's webhook with its review. */
const MOST_DOCUMENT_CHARACTERS = 8 * 1024 * 1024;

/** An object of lists of lists of lists is nobody's. */
const MOST_LISTS = 8;

/** An alias that stands for many nodes is how a few lines become gigabytes. */
const MOST_ALIASES = 100;

/** Nobody writes more than two; the library takes a fifth of a millisecond for each, a million of them in a few MB. */
const MOST_DIRECTIVES = 100;

/** Reads every document of `text`; one that is broken costs no other. */
export function readManifests(text: string, file: string): ReadManifests {
  const manifests: Manifest[] = [];
  const faults: ManifestFault[] = [];
  let others = 0;
  // JSON is one document, however it looks: a string in it may hold a marker of YAML.
  const json = parseJson(text);
  for (const document of json === undefined ? splitDocuments(text) : [{ text, line: 1, offset: 0, index: 0 }]) {
    const read = json ?? parse(document);
    if (read.fault !== undefined) {
      faults.push({ file, ...read.fault });
      continue;
    }
    const { found, unread } = listObjects(read.value);
    if (unread.length > 0) faults.push({ file, line: document.line, column: 1, message: describeUnread(unread) });
    else if (found.length === 0) others += 1;
    for (const { object, path } of found) manifests.push({ file, object, path, document });
  }
  return { manifests, faults, others };
}

type Parsed = { readonly value: unknown; readonly fault?: undefined } | { readonly fault: Omit<ManifestFault, 'file'> };

function parse({ text, line }: DocumentText): Parsed {
  const at = (message: string, place: Place = { line: 1, column: 1 }): Parsed => ({
    fault: { line: line + place.line - 1, column: place.column, message },
  });
  const json = parseJson(text);
  if (json !== undefined) return json;
  if (text.length > MOST_DOCUMENT_CHARACTERS) {
    return at(`the document has ${text.length} characters, and at most ${MOST_DOCUMENT_CHARACTERS} are read`);
  }
  if (countDirectives(text) > MOST_DIRECTIVES)
    return at(`there are many directives, and at most ${MOST_DIRECTIVES} are read`);
  try {
    const lines = new LineCounter();
    const document = parseYaml(text, lines);
    const [error] = document.errors;
    const placeholder = findPlaceholder(document, text);
    const loop = findLoop(document, text);
    const offset = error?.pos[0] ?? placeholder ?? loop;
    if (offset === undefined) return { value: document.toJS({ maxAliasCount: MOST_ALIASES }) };
    const { line: errorLine, col } = lines.linePos(offset);
    const own = placeholder === undefined ? 'an alias stands for what it is in' : 'a key is a map itself';
    const message = error === undefined ? own : firstLine(error.message);
    return at(describeError(text, message), { line: errorLine, column: col });
  } catch (error) {
    return at(describeError(text, error instanceof Error ? firstLine(error.message) : 'it cannot be read'));
  }
}

/**
 * The library of YAML takes a hundred times as long as V8 for what `kubectl get -o json` prints. Undefined for what is no
 * JSON: what starts with a brace may still be YAML, or a template.
 */
function parseJson(text: string): Parsed | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/** As kubectl reads YAML: 1.1, so that `yes` is a truth and `0644` an octal number, but dates stay text. */
function parseYaml(text: string, lines: LineCounter): Document {
  return parseDocument(text, {
    version: '1.1',
    customTags: withoutDates,
    uniqueKeys: true,
    prettyErrors: false,
    logLevel: 'silent',
    lineCounter: lines,
  });
}

/** A document as it is written, and where its lines begin. */
export type ParsedText = { readonly document: Document; readonly lines: LineCounter };

/**
 * Parses documents for whoever asks about places in them. It remembers the last one: a List holds thousands of objects,
 * who are asked about one after the other, and to keep them all would take the memory that cutting the stream saved.
 */
export function createTextParser(): (text: DocumentText) => ParsedText {
  let last: (ParsedText & { readonly of: DocumentText }) | undefined;
  return (text) => {
    if (last?.of !== text) {
      const lines = new LineCounter();
      last = { of: text, lines, document: parseYaml(text.text, lines) };
    }
    return last;
  };
}

/** Numbers of base 60 are unknown to the library that kubectl uses too: `12:30` is text (sigs.k8s.io/yaml). */
function withoutDates(tags: Tags): Tags {
  return tags.filter(
    (tag) => typeof tag === 'string' || (!('format' in tag && tag.format === 'TIME') && tag.tag !== TIMESTAMP),
  );
}

/** Lines that begin with a percent sign, in front of what the document says; elsewhere that is text. */
function countDirectives(text: string): number {
  const [head = ''] = text.split(/^---/m, 1);
  return head.match(/^%/gm)?.length ?? 0;
}

/** Where a map is the key of another: `{{ .Values.data }}` is valid YAML, and nothing that Kubernetes takes. */
function findPlaceholder(document: Document, text: string): number | undefined {
  let found: number | undefined;
  if (!text.includes('{{')) return found;
  visit(document, {
    Pair(_key, { key }) {
      if (!isCollection(key)) return undefined;
      found = key.range?.[0];
      return visit.BREAK;
    },
  });
  return found;
}

/** Where an alias is inside of what it stands for, which has no end; kubectl takes none either. */
function findLoop(document: Document, text: string): number | undefined {
  let found: number | undefined;
  if (!text.includes('*') || !text.includes('&')) return found;
  visit(document, {
    Alias(_key, alias, path) {
      if (!path.some((node) => isCollection(node) && node.anchor === alias.source)) return undefined;
      found = alias.range?.[0];
      return visit.BREAK;
    },
  });
  return found;
}

function describeError(text: string, message: string): string {
  return text.includes('{{')
    ? `${message}; it looks like a template: render it first, as by "helm template . | curfew check -"`
    : message;
}

function firstLine(text: string): string {
  return text.replace(/\n.*/s, '').trim();
}

type Found = { readonly object: JsonObject; readonly path: JsonPath };
type Unread = { readonly path: JsonPath; readonly why: string };

/** The object of a document, or those of a List; nothing if it is no Kubernetes object. */
function listObjects(value: unknown): { readonly found: readonly Found[]; readonly unread: readonly Unread[] } {
  const found: Found[] = [];
  const unread: Unread[] = [];
  let open: readonly Element[] = Array.isArray(value)
    ? value.map((element: JsonValue, index) => ({ element, path: [index], isListed: false }))
    : [{ element: value, path: [], isListed: false }];
  for (let depth = 0; open.length > 0; depth += 1) {
    const inLists: (readonly Element[])[] = [];
    for (const { element, path, isListed } of open) {
      const isTooDeep = depth === MOST_LISTS;
      const isRead = !isTooDeep && isTyped(element);
      // A document may be anything, but of a list kubectl takes no element that is no object.
      if (!isRead && isListed)
        unread.push({ path, why: isTooDeep ? `is in ${MOST_LISTS} lists` : whyNoObject(element) });
      if (!isRead) continue;
      const items = listItems(element, path);
      if (items === undefined) found.push({ object: element, path });
      else inLists.push(items);
    }
    open = inLists.flat();
  }
  return { found, unread };
}

type Element = { readonly element: unknown; readonly path: JsonPath; readonly isListed: boolean };

/** What says of which kind and version it is, as every object of Kubernetes does. */
type Typed = JsonObject & { readonly kind: string; readonly apiVersion: string };

function isTyped(element: unknown): element is Typed {
  return isObject(element) && listMissing(element).length === 0;
}

function whyNoObject(element: unknown): string {
  return isObject(element) ? `has no ${listMissing(element).join(' and no ')}` : 'is no object';
}

function listMissing(element: JsonObject): readonly string[] {
  return ['kind', 'apiVersion'].filter((field) => asString(member(element, field)) === undefined);
}

/** The elements of `List` and of every `PodList`, of a kind with that ending; undefined for what is no list. */
function listItems(list: Typed, path: JsonPath): readonly Element[] | undefined {
  const items = list.kind.endsWith('List') ? member(list, 'items') : undefined;
  if (!Array.isArray(items)) return undefined;
  const kind = list.kind.slice(0, -'List'.length);
  // The API server leaves kind and version out of the items of a typed list.
  const type = kind === '' ? {} : { apiVersion: list.apiVersion, kind };
  return items.map((item: JsonValue, index) => ({
    element: isObject(item) ? { ...type, ...item } : item,
    path: [...path, 'items', index],
    isListed: true,
  }));
}

function describeUnread(unread: readonly Unread[]): string {
  return `elements of the list were not read: ${joinSome(unread.map(({ path, why }) => `${toPointer(path)} ${why}`))}`;
}
