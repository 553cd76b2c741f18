/** The forms that `curfew audit` writes; known to the parser without what renders them. */
export const AUDIT_OUTPUTS = ['table', 'json', 'html', 'sarif', 'policy-report'] as const;

export type AuditOutput = (typeof AUDIT_OUTPUTS)[number];
