/**
 * # Facts about a value
 *
 * A headline and a few named facts, as aligned lines and as a plain HTML table, which Jupyter shows
 * even in notebooks that are not trusted.
 */
import { escapeHtml } from './table-html';
import type { Bundle } from './value-figure';

export type Facts = readonly (readonly [name: string, what: string | undefined])[];

/** The facts as text and HTML; those without a value are left out. `below` is HTML. */
export function factsData(headline: string, facts: Facts, below = ''): Bundle {
  const known = facts.filter((fact): fact is [string, string] => fact[1] !== undefined);
  const width = Math.max(0, ...known.map(([name]) => name.length));
  const lines = known.map(([name, what]) => `  ${name.padEnd(width)}  ${what}`);
  const rows = known.map(
    ([name, what]) =>
      `<tr><th align="left">${escapeHtml(name)}</th><td align="left">${escapeHtml(what)}</td></tr>`,
  );
  return {
    'text/plain': [headline, ...lines].join('\n'),
    'text/html': `<table>\n<caption>${escapeHtml(headline)}</caption>\n<tbody>\n${rows.join('\n')}\n</tbody>\n</table>${below}`,
  };
}

/** `[8, 32, 32, 3]` */
export const shapeText = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

/** `25,088` */
export const countText = (count: number): string => count.toLocaleString('en-US');

/** `25.1 kB`, in powers of a thousand. */
export function bytesText(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const value = bytes / 1000 ** power;
  return `${power === 0 ? value : value.toPrecision(3)} ${units[power]}`;
}

/** A number with at most four digits, as short as possible. */
export function numberText(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e7) return String(value);
  return String(Number(value.toPrecision(4)));
}
