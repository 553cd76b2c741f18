/** Every label, annotation and audit annotation that Curfew reads or writes, in one place. */

/** Labels on a Namespace that set the level of a mode: `curfew.dev/enforce: restricted`. */
export const LEVEL_LABELS = {
  enforce: 'curfew.dev/enforce',
  warn: 'curfew.dev/warn',
  audit: 'curfew.dev/audit',
  mutate: 'curfew.dev/mutate',
} as const;

/** On an object that Curfew patched: the ids of the mutations, joined by commas. */
export const MUTATED_BY_ANNOTATION = 'curfew.dev/mutated-by';
/** What is longer was not written by Curfew, and is replaced. */
export const MOST_NOTE_CHARACTERS = 1_000;

/**
 * Keys of audit annotations. The API server puts the webhook's name and a slash before them and drops a key that is
 * not a qualified name (kubernetes apiserver, pkg/admission/attributes.go).
 */
export const AUDIT_KEYS = {
  deny: 'deny',
  wouldDeny: 'would-deny',
  warn: 'warn',
  audit: 'audit',
  undecided: 'undecided',
  apiAccess: 'api-access',
  exempt: 'exempt',
  mutate: 'mutate',
  wouldMutate: 'would-mutate',
  note: 'note',
} as const;

/** What each audit annotation says, for the reference. */
export const AUDIT_MEANINGS: Readonly<Record<keyof typeof AUDIT_KEYS, string>> = {
  deny: 'the request was refused: each check (or asked-for mutation) with the places it found',
  wouldDeny: 'the same, where `dryRun` held the denial back',
  warn: 'what was warned about',
  audit: 'what was found at the audit level',
  undecided: 'checks that could not be judged, and what could not be read',
  apiAccess:
    'why an API token was allowed, where a mode at restricted asked: the documented reason, and where it stands',
  exempt: 'what an exemption removed, with its name, owner, end and reason',
  mutate: 'what was patched: before and after',
  wouldMutate: 'what would have been patched, where it is only reported',
  note: 'why a label, a lookup or a mutation did not count',
};
