/**
 * # A number with its interval, on one line
 *
 * `0.832 [0.811, 0.851]`; with a sign, `+0.032 [0.011, 0.051]`, for differences. Blanks do not
 * break, and the minus sign is that of the axes.
 */

/** A value and the ends of its interval. */
export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** A number with its interval as text. */
export function intervalText(
  { value, low, high }: Interval,
  { digits = 3, sign = false }: { readonly digits?: number; readonly sign?: boolean } = {},
): string {
  const text = (number: number) => number.toFixed(digits).replace('-', '−');
  const plus = sign && value >= 0 ? '+' : '';
  return `${plus}${text(value)}\u00a0[${text(low)},\u00a0${text(high)}]`;
}
