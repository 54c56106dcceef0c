/**
 * # A figure with a slider
 *
 * Some things are best understood by moving them: a threshold, a parameter. The figure is drawn
 * beforehand for a few positions. The initial one is shown as a normal figure, for pages that show
 * only pictures, and below it a slider switches between all of them. Nothing is loaded from a
 * server: the slider is the browser's own, with one line of script.
 */
import type { Figure } from '../plots/index';
import { display, inNotebook } from '../terminal/index';
import { show } from './display';
import { escapeHtml } from './table-html';
import { drawing } from './value-figure';

/** One position of the slider. */
export interface Position {
  /** The label of the position, shown next to the slider. */
  readonly label: string;
  readonly figure: Figure;
}

/**
 * Shows a figure with a slider below it.
 * @param options the name of what moves, the initial position, and the caption
 */
export async function showMoving(
  positions: readonly Position[],
  options: { readonly name: string; readonly start?: number; readonly caption?: string },
): Promise<void> {
  const { name, start = 0, caption } = options;
  const first = positions[start] as Position;
  await show(first.figure, caption === undefined ? {} : { caption });
  if (!inNotebook()) return;
  const { toSvg } = drawing();
  const frames: string[] = [];
  for (const { figure } of positions) frames.push(await toSvg(figure));
  const labels = positions.map(({ label }) => escapeHtml(label));
  const shown = (k: number) => (k === start ? '' : ' hidden');
  const html = [
    `<details class="moving"><summary>Move the ${escapeHtml(name)}</summary>`,
    `<label>${escapeHtml(name)} <input type="range" min="0" max="${positions.length - 1}"`,
    ` value="${start}" oninput="${SCRIPT}"></label>`,
    ...frames.map((svg, k) => `<div${shown(k)}><p>${labels[k]}</p>${svg}</div>`),
    '</details>',
  ].join('\n');
  display({ 'text/plain': `[slider] ${name}`, 'text/html': html });
}

const SCRIPT =
  "this.closest('details').querySelectorAll('div').forEach((d, k) =&gt; " +
  '{ d.hidden = k !== Number(this.value); })';
