/**
 * # A detection as one page
 *
 * `report.html` of `fisherlab detect` shows the verdict in words, the scores with their threshold,
 * the strangest and the most familiar images, and one row per image, the strangest first, at most
 * `ROWS`. File names are escaped, so they cannot inject HTML.
 */
import type { data, experiments } from '../index';
import { lab } from './lab';

/** How many images the page lists; the file of scores has all of them. */
const ROWS = 500;

/**
 * The page for detections of the same images, one per model.
 * @param drawings the figures of each, as SVG
 */
export function detectionPage(
  detections: readonly experiments.Detection[],
  drawings: experiments.DetectionFiles['drawings'],
): string {
  const [first] = detections;
  const sections = detections.map((detection, k) => section(detection, drawings[k] ?? []));
  if (first !== undefined) sections.push(leftOut(first));
  const title = `How strange are ${first?.images.length ?? 0} images?`;
  return lab().notebook.page(title, sections.join('\n'));
}

function section(detection: experiments.Detection, drawings: readonly string[]): string {
  const { experiments, notebook } = lab();
  const { model, source, classes } = detection;
  const paragraphs = [...experiments.inWords(detection), `Usual: ${source}.`];
  const ofClasses = { caption: 'Each class against the usual images' };
  return `<section>
<h2>${notebook.escapeHtml(model)}</h2>
${paragraphs.map((text) => `<p>${notebook.escapeHtml(text)}</p>`).join('\n')}
${drawings.map((svg) => `<figure>${svg}</figure>`).join('\n')}
${classes.length > 0 ? table(experiments.classRows(classes), ofClasses) : ''}
${table(rows(detection), { caption: captionOf(detection) })}
</section>`;
}

function rows({ images, own }: experiments.Detection): Record<string, string>[] {
  const { data, experiments } = lab();
  return experiments
    .strangestFirst(images)
    .slice(0, ROWS)
    .map((k) => {
      const {
        image,
        class: label,
        score,
        error,
        p,
        strange,
        sure,
      } = images[k] as experiments.Scored;
      return {
        image,
        class: label,
        score: `${score.toPrecision(6)} ± ${error.toPrecision(2)}`,
        p: p.toPrecision(3),
        strange: experiments.yesOrNo(strange),
        sure: experiments.yesOrNo(sure),
        'what was done': data.treatmentText(own.treatments[k] as data.Treatment),
      };
    });
}

const captionOf = ({ images }: experiments.Detection) =>
  images.length > ROWS
    ? `The ${ROWS} strangest of ${images.length} images; all are in the file of scores`
    : 'All images, the strangest first';

/** The files that were left out, and why. */
function leftOut({ own }: experiments.Detection): string {
  if (own.leftOut.length === 0) return '';
  const files = own.leftOut.map(({ name, reason, fix }) => ({
    image: name,
    reason,
    'how to fix it': fix,
  }));
  return `<section><h2>Left out</h2>\n${table(files)}\n</section>`;
}

function table(given: readonly Record<string, string | number>[], options = {}): string {
  return `<div class="rich">${lab().notebook.tableHtml(given, options)}</div>`;
}
