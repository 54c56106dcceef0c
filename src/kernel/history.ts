/**
 * # What was run before
 *
 * Cells of this session by their number. Jupyter asks for the last ones, for a range, or for those
 * that match a pattern with `*` and `?`.
 */
import type { Content } from './wire';

interface Entry {
  readonly line: number;
  readonly source: string;
  output: string | null;
}

export class History {
  private readonly entries: Entry[] = [];

  add(line: number, source: string): void {
    this.entries.push({ line, source, output: null });
  }

  /** Records the result a cell showed. */
  result(line: number, text: string): void {
    const entry = this.entries.filter((one) => one.line === line).at(-1);
    if (entry !== undefined) entry.output = text;
  }

  /** The sources that the language service should know, in order. */
  sources(): string[] {
    return this.entries.map(({ source }) => source);
  }

  /** Answers a `history_request`: `[session, line, input]`, the session being 0, this one. */
  answer(request: Content): unknown[] {
    const chosen = this.choose(request);
    return chosen.map(({ line, source, output }) => [
      0,
      line,
      request.output === true ? [source, output] : source,
    ]);
  }

  private choose(request: Content): Entry[] {
    const { hist_access_type: type, n, pattern, unique, session = 0, start = 0, stop } = request;
    const last = (entries: Entry[]) => (typeof n === 'number' ? entries.slice(-n) : entries);
    if (type === 'range') {
      if (session !== 0) return []; // earlier sessions are not kept
      const end = typeof stop === 'number' ? stop : Number.POSITIVE_INFINITY;
      return this.entries.filter(({ line }) => line >= Number(start) && line < end);
    }
    if (type === 'search') {
      const fits = globPattern(String(pattern ?? '*'));
      const found = this.entries.filter(({ source }) => fits.test(source));
      return last(unique === true ? onlyLatest(found) : found);
    }
    return last(this.entries);
  }
}

function globPattern(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replace(/\*/g, '.*').replace(/\?/g, '.')}$`, 's');
}

function onlyLatest(entries: readonly Entry[]): Entry[] {
  return [...new Map(entries.map((entry) => [entry.source, entry])).values()];
}
