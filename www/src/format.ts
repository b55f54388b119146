/** Keeps a number and its unit on one line. */
const GAP = '\u00a0';
const integer = new Intl.NumberFormat('en');

export function count(value: number): string {
  return integer.format(value);
}

/** `m:ss`, counting a begun second as a whole one, as countdowns do. */
export function clock(milliseconds: number): string {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

/** A measured duration with three figures at most: `8 ms`, `214 ms`, `2.04 s`. */
export function took(milliseconds: number): string {
  if (milliseconds < 9.95) return `${milliseconds.toFixed(1)}${GAP}ms`;
  if (milliseconds < 999.5) return `${Math.round(milliseconds)}${GAP}ms`;
  return `${(milliseconds / 1000).toFixed(milliseconds < 9_995 ? 2 : 1)}${GAP}s`;
}

/** How long ago, coarse enough to stay readable in a list. */
export function ago(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  if (seconds < 1) return 'now';
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${String(seconds % 60).padStart(2, '0')} s`;
  return `${Math.floor(seconds / 3600)} h ${String(Math.floor(seconds / 60) % 60).padStart(2, '0')} m`;
}

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}
