/** For what a rule of another engine is, and what is left out of it: in words of exemptions where these have them. */

import type { JsonPath } from '../objects/json.ts';
import type { ExemptionMatch } from '../policy/exemption.ts';

/** A part of a scope that Curfew has no words for. */
export type Untold = { readonly at: JsonPath; readonly what: string };

export type Scope = {
  readonly kinds: readonly string[];
  /** Names of the objects; undefined for all. */
  readonly names: readonly string[] | undefined;
  /** The namespaces that it is for, by exact name; undefined for all. */
  readonly namespaces: readonly string[] | undefined;
  /** What else has to be true for the rule to be asked: Curfew would ask more objects. */
  readonly narrowed: readonly Untold[];
  /** What the rule leaves out, and Curfew can too. */
  readonly exempt: readonly ExemptionMatch[];
  /** What the rule leaves out, and Curfew cannot. */
  readonly unexempt: readonly Untold[];
};

const EXACT_NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

export function areExact(namespaces: readonly string[]): boolean {
  return namespaces.every((name) => EXACT_NAMESPACE.test(name));
}

const PATTERNS = {
  namespaces: /^[-a-z0-9*?]{1,253}$/,
  names: /^[-a-z0-9.:*?]{1,253}$/,
  users: /^[^\s\p{C}]{1,253}$/u,
  groups: /^[^\s\p{C}]{1,253}$/u,
} as const;
const MOST_ENTRIES = 100;

/** True if an exemption can hold the list. */
export function fitsExemption(key: keyof typeof PATTERNS, entries: readonly string[]): boolean {
  return (
    entries.length > 0 &&
    entries.length <= MOST_ENTRIES &&
    new Set(entries).size === entries.length &&
    entries.every((entry) => PATTERNS[key].test(entry))
  );
}

/** `v1/Pod`, `apps/v1/Deployment`, `Pod`, `Pod/exec`: the kind alone; undefined for subresources. */
export function kindOf(words: string): string | undefined {
  const parts = words.split(/[/.]/);
  const kind = parts.findIndex((part) => /^[A-Z*]/.test(part));
  return kind === -1 || kind !== parts.length - 1 ? undefined : parts[kind];
}
