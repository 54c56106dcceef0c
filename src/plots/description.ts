/**
 * # A figure in words
 *
 * For readers who cannot see a figure, every SVG carries a title and a description. The description
 * is the caption if the figure has one, since a caption says what to look for; otherwise it lists
 * the names of the axes and series.
 */
import type { Figure } from './figure';

/** Title and description of a figure, as plain text. */
export function inWords(figure: Figure): { title: string; description: string } {
  const { layout, data, caption } = figure;
  const axes = [layout.xaxis, layout.yaxis].map((axis) => plain(axis?.title));
  const names = [...new Set(data.flatMap(({ name }) => (name === undefined ? [] : [name])))];
  const across = axes.filter((text) => text !== '').join(' and ');
  const parts = [
    ...(across === '' ? [] : [`Axes: ${across}.`]),
    ...(names.length === 0 ? [] : [`Shown: ${names.join(', ')}.`]),
  ].join(' ');
  const title = plain(layout.title) || across || 'figure';
  return { title, description: caption === undefined ? parts || title : plain(caption) };
}

/** A title of plotly, with or without its object, without markup. */
function plain(title: string | { text?: string } | undefined): string {
  const text = typeof title === 'string' ? title : (title?.text ?? '');
  return text
    .replace(/<[^>]*>/g, '')
    .replace(/\s+/g, ' ')
    .trim();
}

/** An SVG document with its title and description; `id` must be the figure's own in a page. */
export function withWords(svg: string, figure: Figure, id: string): string {
  const { title, description } = inWords(figure);
  const words = [
    `<title id="${id}-title">${escaped(title)}</title>`,
    `<desc id="${id}-desc">${escaped(description)}</desc>`,
  ].join('');
  return svg.replace(
    /^<svg ([^>]*)>/,
    (_, attributes: string) =>
      `<svg ${attributes} role="img" aria-labelledby="${id}-title ${id}-desc">${words}`,
  );
}

const escaped = (text: string) =>
  text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);
