/** From the findings of a form to what is told of them, in CEL: what `engine/evaluate.ts` and `engine/message.ts` do. */

import { listCel, quoteCel } from '../checks/cel/cel-text.ts';
import type { CelBound, CelForm } from '../checks/cel/define-cel.ts';

/**
 * Of more findings an update is not compared with what was there one by one: if they are not the very same, it is judged as
 * something new. Comparing 200 with as many costs more than the API server allows one expression (`npm run cel-cost`).
 */
const MOST_COMPARED = 100;

/** The findings without those that were there before the update; all three are lists of lists. */
export function dropKnownCel(found: string, known: string, form: CelForm): string {
  const isSame = form.hasWideKeys === true ? 'o.key == f.key || o.key == f.wide' : 'o.key == f.key';
  const count = (of: string) => `${of}.map(h, h.filter(o, o.key == f.key).size()).sum()`;
  const isNew =
    form.hasRepeats === true ? `${count(found)} > ${count(known)}` : `!${known}.exists(h, h.exists(o, ${isSame}))`;
  const keys = (of: string) => `${of}.map(g, g.map(f, f.key))`;
  return `${countCel(found)} > ${MOST_COMPARED} ? (${keys(found)} == ${keys(known)} ? [] : ${found}) : ${keepCel(found, isNew)}`;
}

function countCel(found: string): string {
  return `${found}.map(g, size(g)).sum()`;
}

/**
 * `some`, and what of `more` is not among them. Of many findings the longer list: it is that of the higher level, or the
 * one from which nothing was dropped, and has the other in it.
 */
export function unionCel(some: string, more: string): string {
  const both = `${some} + ${keepCel(more, `!${some}.exists(h, h.exists(o, o.key == f.key))`)}`;
  const longer = `(${countCel(some)} < ${countCel(more)} ? ${more} : ${some})`;
  return `(size(${some}) == 0 ? ${more} : size(${more}) == 0 ? ${some} : ${countCel(some)} + ${countCel(more)} > ${2 * MOST_COMPARED} ? ${longer} : ${both})`;
}

function keepCel(found: string, condition: string): string {
  return `${found}.map(g, g.filter(f, ${condition})).filter(g, size(g) > 0)`;
}

/** What is larger than a policy can judge, as a string; empty if nothing is. Each bound is asked only if those before it hold. */
export function largeCel<Place>(
  { bounds }: { readonly bounds: (place: Place) => readonly CelBound[] },
  place: Place,
): string {
  const cases = bounds(place).map(
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

/** Of more findings in one list only the first is told to the audit log: they are compared with each other. */
const MOST_RECORDED = 50;

/**
 * What the audit log says of `told`: `token-lifetime at /spec/…: a token that lives too long; …`, place by place. Of several
 * places of which it has the same to say the webhook names the first (`formatAudit`); a form has no such sentences.
 */
export function recordCel(id: string, told: string, { hasContainers }: CelForm): string {
  const first = 'g.filter(o, o.path == f.path && o.why == f.why)[0]';
  const some = `(size(g) > ${MOST_RECORDED} ? [g[0]] : g.filter(f, f == ${first}))`;
  const container = '(f.container == "" ? "" : " (container " + f.container + ")")';
  const line = [quoteCel(`${id} at `), 'f.path', '": "', 'f.why', ...(hasContainers === true ? [container] : [])];
  return `${told}.map(g, ${some}.map(f, ${line.join(' + ')}).join("; ")).join("; ")`;
}

/** One line with what to do, which people read; `told` must not be empty. */
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
