/** Text as the API keeps it in `data` and `caBundle`: base64 of UTF-8. */

export function encode(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}

export function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}
