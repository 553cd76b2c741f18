/** What reports say of the rules themselves. */

import { CHECKS } from '../checks/registry.ts';
import { MUTATIONS } from '../mutations/registry.ts';

export const HOME = 'https://github.com/curfew-dev/curfew';

export type Rule = { readonly id: string; readonly what: string; readonly why: string; readonly page: string };

/** Checks and mutations; `page` is an address. */
export function listRules(): readonly Rule[] {
  return [
    ...CHECKS.map(({ id, title, why }) => ({ id, what: `Refuses ${title}.`, why, page: toPage(`checks/${id}`) })),
    ...MUTATIONS.map(({ id, title, why }) => ({
      id,
      what: `Changes: ${title}.`,
      why,
      page: toPage(`mutations/${id}`),
    })),
  ];
}

function toPage(path: string): string {
  return `${HOME}/blob/main/docs/reference/${path}.md`;
}
