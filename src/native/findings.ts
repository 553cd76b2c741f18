/** From the findings of a form to what is told of them, in CEL: what `engine/evaluate.ts` and `engine/message.ts` do. */

import { listCel, quoteCel } from '../checks/cel/cel-text.ts';
import type { CelForm, CelPlace } from '../checks/cel/define-cel.ts';

/** Of more findings an update is not compared with what was there: it is judged as something new. */
const MOST_COMPARED = 200;

/** The findings without those that were there before the update; all three are lists of lists. */
export function dropKnownCel(found: string, known: string, form: CelForm): string {
  const isSame = form.hasWideKeys === true ? 'o.key == f.key || o.key == f.wide' : 'o.key == f.key';
  const count = (of: string) => `${of}.map(h, h.filter(o, o.key == f.key).size()).sum()`;
  const isNew =
    form.hasRepeats === true ? `${count(found)} > ${count(known)}` : `!${known}.exists(h, h.exists(o, ${isSame}))`;
  const size = `${found}.map(g, size(g)).sum()`;
  return `${size} > ${MOST_COMPARED} ? ${found} : ${keepCel(found, isNew)}`;
}

/** `some`, and what of `more` is not among them. */
export function unionCel(some: string, more: string): string {
  return `${some} + ${keepCel(more, `!${some}.exists(h, h.exists(o, o.key == f.key))`)}`;
}

function keepCel(found: string, condition: string): string {
  return `${found}.map(g, g.filter(f, ${condition})).filter(g, size(g) > 0)`;
}

/** What is larger than a policy can judge, as a string; empty if nothing is. Each bound is asked only if those before it hold. */
export function largeCel(form: CelForm, place: CelPlace): string | undefined {
  const bounds = form.bounds?.(place) ?? [];
  if (bounds.length === 0) return undefined;
  const cases = bounds.map(
    ({ count, most, noun }) => `${count} > ${most} ? ${quoteCel(`more than ${most} ${noun}`)} : `,
  );
  return `${cases.join('')}""`;
}

/** The one finding about an object that is too large. */
export function largeFindingCel(
  form: CelForm,
  { large, path }: { readonly large: string; readonly path: string },
): string {
  const more = [
    form.hasContainers === true ? ', "container": ""' : '',
    form.hasWideKeys === true ? ', "wide": "too large"' : '',
  ].join('');
  return `[[{"key": "too large", "path": ${path}, "why": ${large} + ", which a policy of the API server cannot judge", "fix": "make it smaller, or have the webhook judge it"${more}}]]`;
}

/** One line about `told`, which must not be empty: `token-lifetime at /spec/…: a token that lives too long`. */
export function recordCel(id: string, told: string, form: CelForm): string {
  return [quoteCel(`${id} at `), `${told}[0][0].path`, '": "', ...whatCel(told, form)].join(' + ');
}

/** The same with what to do: the line that people read. */
export function summaryCel(
  told: string,
  form: CelForm,
  words: { readonly start: string; readonly shortFix: string },
): string {
  const hasFix = `${told}.exists(g, g.exists(f, f.fix != ""))`;
  const first = `${told}.filter(g, g.exists(f, f.fix != ""))[0].filter(f, f.fix != "")[0].fix`;
  const fix = `(${hasFix} ? ${first} : ${quoteCel(words.shortFix)})`;
  return [quoteCel(`${words.start} at `), `${told}[0][0].path`, '": "', ...whatCel(told, form), '"; "', fix].join(
    ' + ',
  );
}

/** The reason of the first finding, how many others there are, and the containers. */
function whatCel(told: string, { reasons, hasContainers }: CelForm): readonly string[] {
  const parts = [`${told}[0][0].why`];
  if (reasons.length > 1) {
    const count = `${listCel(reasons)}.filter(r, ${told}.exists(g, g.exists(f, f.why == r))).size()`;
    parts.push(`(${count} > 1 ? " and " + string(${count} - 1) + " more" : "")`);
  }
  // All findings about one container are in one list.
  if (hasContainers === true) {
    const names = `${told}.map(g, g[0].container)`;
    const some = `${names}.filter(n, ${names}.indexOf(n) < 3).join(", ")`;
    const more = `(size(${told}) > 3 ? " and " + string(size(${told}) - 3) + " more" : "")`;
    parts.push(
      `(${told}[0][0].container == "" ? "" : " in container" + (size(${told}) == 1 ? "" : "s") + " " + ${some} + ${more})`,
    );
  }
  return parts;
}
