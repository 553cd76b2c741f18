/** The forms that `curfew usage` writes; known to the parser without what renders them. */
export const USAGE_OUTPUTS = ['table', 'json', 'manifests'] as const;

export type UsageOutput = (typeof USAGE_OUTPUTS)[number];
