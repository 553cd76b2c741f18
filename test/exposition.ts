/** What Curfew's `/metrics` says. */

export async function readMetrics(operationsUrl: string): Promise<string> {
  return await (await fetch(`${operationsUrl}/metrics`)).text();
}

/** The sum of all series that begin with `prefix`. */
export function sumOf(exposition: string, prefix: string): number {
  const lines = exposition.split('\n').filter((line) => line.startsWith(prefix));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}
