/**
 * # Outputs of a cell, as Jupyter stores them
 *
 * Events of the kernel become outputs: text that follows text of the same stream joins it, a
 * display with an id is replaced in place, and `clear_output` removes earlier outputs.
 */
import { stripVTControlCharacters } from 'node:util';
import type { Event } from '../kernel/index';
import { type DisplayOutput, inLines, type Output, type ResultOutput } from './ipynb';

/** Text that is still being written. */
interface OpenStream {
  readonly output: Extract<Output, { output_type: 'stream' }>;
  text: string;
}

/** The outputs of all cells of one run, by the keys of the cells. */
export class Collected {
  private readonly outputs = new Map<string, Output[]>();
  private readonly displays = new Map<string, DisplayOutput>();
  private readonly streams = new Map<string, OpenStream>();
  private readonly toClear = new Set<string>();

  /** Adds an event that shows something. */
  take(event: Event, count: number): void {
    if (event.type === 'stream') this.write(event.cell, event.name, event.text);
    else if (event.type === 'display') this.display(event);
    else if (event.type === 'clear') {
      if (event.wait) this.toClear.add(event.cell);
      else this.clear(event.cell);
    } else if (event.type === 'result') {
      const data = bundle(event.data);
      const type = 'execute_result';
      const output: ResultOutput = {
        data,
        execution_count: count,
        metadata: {},
        output_type: type,
      };
      this.push(event.cell, output);
    } else if ((event.type === 'fault' || event.type === 'done') && event.error !== undefined) {
      const { name: ename, message: evalue, traceback } = event.error;
      this.push(event.cell, { ename, evalue, output_type: 'error', traceback: [...traceback] });
    }
  }

  /** The outputs of a cell so far. */
  of(cell: string): Output[] {
    const open = this.streams.get(cell);
    if (open !== undefined) open.output.text = inLines(open.text);
    return this.outputs.get(cell) ?? [];
  }

  private push(cell: string, output: Output): void {
    if (this.toClear.delete(cell)) this.clear(cell);
    const outputs = this.of(cell);
    outputs.push(output);
    this.outputs.set(cell, outputs);
    this.streams.delete(cell);
  }

  private clear(cell: string): void {
    this.outputs.delete(cell);
    this.streams.delete(cell);
  }

  private write(cell: string, name: 'stdout' | 'stderr', text: string): void {
    const plain = stripVTControlCharacters(text);
    const open = this.streams.get(cell);
    if (open?.output.name === name && !this.toClear.has(cell)) {
      open.text += plain;
      return;
    }
    const output = { name, output_type: 'stream' as const, text: [] };
    this.push(cell, output);
    this.streams.set(cell, { output, text: plain });
  }

  private display({ cell, data, metadata, id, update }: Event & { type: 'display' }): void {
    const known = id === undefined ? undefined : this.displays.get(id);
    if (update) {
      if (known !== undefined)
        Object.assign(known, { data: bundle(data), metadata: { ...metadata } });
      return;
    }
    const output: DisplayOutput = {
      data: bundle(data),
      metadata: { ...metadata },
      output_type: 'display_data',
    };
    this.push(cell, output);
    if (id !== undefined) this.displays.set(id, output);
  }
}

/** Binary data stays one string; text is stored in lines. */
function bundle(data: Readonly<Record<string, string>>): Record<string, string | string[]> {
  const isText = (type: string) =>
    type.startsWith('text/') || type === 'image/svg+xml' || type === 'application/javascript';
  return Object.fromEntries(
    Object.entries(data).map(([type, text]) => [type, isText(type) ? inLines(text) : text]),
  );
}
