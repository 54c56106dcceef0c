/**
 * # A detection as one page
 *
 * One HTML file that needs nothing else, as an executed notebook is (`html.ts`): the verdict in
 * words, the scores with their threshold, the strangest and the most familiar images, and a row for
 * every image, at most `ROWS` of them, the strangest first. Names of files are written as text,
 * whatever they hold, and the page is allowed no script.
 */
import { treatmentText } from '../data/index';
import {
  classRows,
  type Detection,
  extremesFigure,
  inWords,
  type Scored,
  scoresFigure,
  strangestFirst,
  yesOrNo,
} from '../experiments/index';
import { toSvg } from '../plots/index';
import { STYLE } from './style';
import { escapeHtml, tableHtml } from './table-html';

/** Images that are listed; all of them are in the file of scores. */
const ROWS = 500;

/** The page of detections of the same images, one a model. */
export async function detectionPage(detections: readonly Detection[]): Promise<string> {
  const parts: string[] = [];
  for (const detection of detections) parts.push(await section(detection));
  const title = `How strange are ${detections[0]?.images.length ?? 0} images?`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${parts.join('\n')}
${leftOut(detections[0])}
</main>
</body>
</html>
`;
}

async function section(detection: Detection): Promise<string> {
  const { model, source, classes, images } = detection;
  const paragraphs = [...inWords(detection), `Usual: ${source}.`];
  return `<section>
<h2>${escapeHtml(model)}</h2>
${paragraphs.map((text) => `<p>${escapeHtml(text)}</p>`).join('\n')}
<figure>${await toSvg(scoresFigure(detection))}</figure>
<figure>${await toSvg(extremesFigure(detection))}</figure>
${classes.length > 0 ? rich(tableHtml(classRows(classes), { caption: 'Each class against the usual images' })) : ''}
${rich(tableHtml(rows(detection), { caption: captionOf(images) }))}
</section>`;
}

function rows({ images, own }: Detection): Record<string, string>[] {
  return strangestFirst(images)
    .slice(0, ROWS)
    .map((k) => {
      const { image, class: label, score, error, p, strange, sure } = images[k] as Scored;
      return {
        image,
        class: label,
        score: `${score.toPrecision(6)} ± ${error.toPrecision(2)}`,
        p: p.toPrecision(3),
        strange: yesOrNo(strange),
        sure: yesOrNo(sure),
        'what was done': treatmentText(own.treatments[k] as Detection['own']['treatments'][number]),
      };
    });
}

const captionOf = (images: readonly Scored[]) =>
  images.length > ROWS
    ? `The ${ROWS} strangest of ${images.length} images; all are in the file of scores`
    : 'All images, the strangest first';

/** What was left out, with the reasons. */
function leftOut(detection: Detection | undefined): string {
  const files = detection?.own.leftOut ?? [];
  if (files.length === 0) return '';
  const rows = files.map(({ name, reason, fix }) => ({
    image: name,
    reason,
    'how to fix it': fix,
  }));
  return `<section><h2>Left out</h2>\n${rich(tableHtml(rows))}\n</section>`;
}

const rich = (table: string) => `<div class="rich">${table}</div>`;
