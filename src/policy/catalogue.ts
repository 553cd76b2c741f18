/** Versions of the catalogue of rules, by which a configuration pins what may deny. */

/** Catalogue versions are `0.N`; nothing is newer than no pin. */
export function isNewerThan(since: string, pin: string | undefined): boolean {
  return pin !== undefined && Number(since.split('.')[1]) > Number(pin.split('.')[1]);
}
