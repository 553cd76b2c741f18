/** The label of pods that hold no token of the Kubernetes API: what a NetworkPolicy selects them by. */

export const NO_TOKEN_LABEL = 'curfew.dev/api-token';
export const NO_TOKEN_VALUE = 'none';
