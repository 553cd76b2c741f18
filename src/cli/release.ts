/** What the chart calls its objects unless it is told otherwise. */
export const DEFAULT_RELEASE = 'curfew';
