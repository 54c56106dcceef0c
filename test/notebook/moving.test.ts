import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { JSDOM } from 'jsdom';
import { runNotebook } from '../../src/notebook/run';
import { folderWith } from './fixture';

describe('a figure that the reader moves', function () {
  this.timeout(60000);
  const folder = folderWith({
    moved: [
      "import { showMoving } from './src/notebook/index';\n" +
        "import { lines } from './src/plots/index';\n" +
        "const at = (k) => lines([{ name: 's', x: [0, 1], y: [0, k] }], { x: 'x', y: 'y', title: 'slope ' + k });\n" +
        "await showMoving([1, 2, 3].map((k) => ({ label: '<b>' + k + '</b>', figure: at(k) })), { name: 'slope', start: 1, caption: 'steeper' });",
    ],
  });
  after(() => rmSync(path.dirname(folder), { recursive: true }));

  it('stands still at its start, and its slider shows one position at a time', async () => {
    const run = await runNotebook(path.join(folder, 'moved.ipynb'));
    assert.equal(run.problem, undefined);
    const outputs = (run.executed.cells[0]?.outputs ?? []) as { data: Record<string, string[]> }[];
    const data = outputs.map((output) => output.data);
    const still = data[0] as Record<string, string[]>;
    const moving = data.at(-1) as Record<string, string[]>;
    assert.deepEqual(still['text/plain'], ['[figure] slope 2']);
    assert.ok('image/svg+xml' in still && 'image/png' in still);

    const html = [moving['text/html']].flat().join('');
    const { window } = new JSDOM(html, { runScripts: 'dangerously' });
    const { document } = window;
    const shown = () =>
      [...document.querySelectorAll('div')].flatMap((div, k) => (div.hidden ? [] : [k]));
    const labels = [...document.querySelectorAll('p')].map(({ textContent }) => textContent);
    assert.deepEqual(labels, ['<b>1</b>', '<b>2</b>', '<b>3</b>']);
    assert.deepEqual(shown(), [1]);
    const slider = document.querySelector('input') as HTMLInputElement;
    assert.equal(slider.value, '1');
    slider.value = '2';
    slider.dispatchEvent(new window.Event('input'));
    assert.deepEqual(shown(), [2]);
  });
});
