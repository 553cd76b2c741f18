/** The forms that `curfew audit` writes; known to the parser without what renders them. */
export const AUDIT_OUTPUTS = ['table', 'json', 'html', 'sarif', 'policy-report'] as const;

export type AuditOutput = (typeof AUDIT_OUTPUTS)[number];

/** By which a file that is named says what is to be in it. */
export const AUDIT_FILE_ENDINGS: Readonly<Record<string, AuditOutput>> = {
  '.html': 'html',
  '.json': 'json',
  '.sarif': 'sarif',
  '.txt': 'table',
  '.yaml': 'policy-report',
};

/** Undefined if its ending says nothing. */
export function findFormOfFile(name: string): AuditOutput | undefined {
  return Object.entries(AUDIT_FILE_ENDINGS).find(([ending]) => name.endsWith(ending))?.[1];
}
