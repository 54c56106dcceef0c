import assert from 'node:assert/strict';
import { DataFrame } from 'danfojs-node';
import { JSDOM } from 'jsdom';
import { check } from '../../src/notebook/display';
import { inLines, joined } from '../../src/notebook/ipynb';
import { tableHtml } from '../../src/notebook/table-html';
import { duration, progress, progressLine } from '../../src/terminal/progress';
import { tableText } from '../../src/terminal/text-table';

const cellsOf = (html: string): string[][] =>
  [...new JSDOM(html).window.document.querySelectorAll('tr')].map((row) =>
    [...row.children].map((cell) => cell.textContent ?? ''),
  );

describe('a table', () => {
  const rows = [
    { out: 'mnist', B: 1, AUROC: 0.12345, note: 'a < b & "c"' },
    { out: 'fashion_mnist', B: 5, AUROC: 0.9, note: null },
  ];

  it('has a column for each key and equally many places in a column of numbers', () => {
    assert.deepEqual(cellsOf(tableHtml(rows)), [
      ['out', 'B', 'AUROC', 'note'],
      ['MNIST', '1', '0.123', 'a < b & "c"'],
      ['Fashion-MNIST', '5', '0.900', '–'],
    ]);
  });

  it('is the same from a danfojs data frame as from its rows', () => {
    const plain = rows.map(({ out, B, AUROC }) => ({ out, B, AUROC }));
    assert.equal(tableHtml(new DataFrame(plain)), tableHtml(plain));
  });

  it('writes very large, very small and special numbers so that they can be read', () => {
    const html = tableHtml([{ a: 1.5e9, b: 2e-7, c: Number.NaN, d: -0.5 }]);
    assert.deepEqual(cellsOf(html)[1], ['1500000000', '2.00e−7', 'NaN', '−0.500']);
  });

  it('is aligned as text', () => {
    assert.equal(
      tableText([
        { a: 'x', n: 1 },
        { a: 'yyy', n: 20 },
      ]),
      'a     n\n---  --\nx     1\nyyy  20',
    );
  });

  it('refuses to be empty', () => {
    assert.throws(() => tableHtml([]), /the table is empty/);
  });
});

describe('a claim', () => {
  it('that is false is thrown with its numbers and without a stack', () => {
    assert.throws(() => check('A exceeds B', false, '1 < 2'), {
      message: 'A exceeds B (1 < 2)',
      stack: '✗ A exceeds B (1 < 2)',
    });
  });
});

describe('progress', () => {
  const recorded = (kind: 'notebook' | 'terminal' | 'lines') => {
    const clock = { time: 0 };
    const lines: [string, boolean][] = [];
    const screen = { kind, write: (line: string, last: boolean) => void lines.push([line, last]) };
    return { clock, lines, steps: progress('steps', 100, screen, () => clock.time) };
  };

  it('assumes that the rest takes as long per step as the finished part', () => {
    assert.ok(progressLine('steps', 25, 100, 10).endsWith('25 % · 30 s left'));
  });

  it('fills its bar in proportion', () => {
    assert.equal(
      progressLine('s', 50, 100, 1).match(/█/g)?.length,
      progressLine('s', 50, 100, 1).match(/░/g)?.length,
    );
  });

  it('writes a line at most every five seconds in a log', () => {
    const { clock, lines, steps } = recorded('lines');
    for (let i = 1; i <= 100; i++) {
      clock.time = i * 120;
      steps.tick();
    }
    steps.done();
    steps.done();
    assert.deepEqual(
      lines.map(([, last]) => last),
      [false, false, false, true],
    );
    assert.equal(lines[3]?.[0], 'steps: 100 of 100 in 12 s');
  });

  it('leaves no times in a notebook, so that its stored output does not change', () => {
    const { clock, lines, steps } = recorded('notebook');
    clock.time = 4321;
    steps.tick(100);
    steps.done();
    assert.equal(lines[lines.length - 1]?.[0], 'steps: 100 of 100');
  });

  it('writes durations as people say them', () => {
    assert.deepEqual([0.44, 9.96, 59.6, 185, 7800].map(duration), [
      '0.4 s',
      '10 s',
      '1 min 00 s',
      '3 min 05 s',
      '2 h 10 min',
    ]);
  });
});

describe('lines of a stored text', () => {
  it('keep their ends and join to the text again', () => {
    for (const text of ['', 'a', 'a\n', 'a\nb', '\n\nb\n'])
      assert.equal(joined(inLines(text)), text);
    assert.deepEqual(inLines('a\nb'), ['a\n', 'b']);
  });
});
