/** The forms that `curfew check` writes; known to the parser without what renders them. */
export const CHECK_OUTPUTS = ['table', 'json', 'sarif', 'junit', 'github'] as const;

export type CheckOutput = (typeof CHECK_OUTPUTS)[number];
