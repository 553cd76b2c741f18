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
  /** Why an API token was allowed: the reasons that were written down. */
  apiAccess: 'api-access',
  /** What an exemption removed, with the exemption's name, owner, end and reason. */
  exempt: 'exempt',
  mutate: 'mutate',
  wouldMutate: 'would-mutate',
  /** Why a label or a lookup did not count. */
  note: 'note',
} as const;
