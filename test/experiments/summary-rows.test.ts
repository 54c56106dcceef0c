import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { RESULTS, summaryFile } from '../../src/experiments/results-file';
import type { Summary } from '../../src/experiments/summary';
import { claimRows, layoutRows, meanRows, protocolRows } from '../../src/experiments/summary-rows';

const PAPER = 'layer-wise gradients';
const made = (protocol: string, mean: number, [low, high]: [number, number]) => ({
  family: 'glow',
  kind: 'colour',
  protocol,
  batchSize: 5,
  sets: ['svhn', 'cifar10'],
  methods: [
    {
      method: PAPER,
      auroc: [
        [null, 0.25],
        [0.9876, null],
      ],
      mean,
      meanAupr: 0.5,
      meanFpr95: 0.25,
      pairs: 2,
      against: { mean: { value: (low + high) / 2, low, high } },
    },
  ],
});
const families = (...given: ReturnType<typeof made>[]) => given as unknown as Summary['families'];

describe('rows of results', () => {
  it('lay AUROCs out as the paper does: in distribution down, out of it to the right', () => {
    const [family] = families(made('halves', 0.6, [0.1, 0.3]));
    const rows = layoutRows(family as Summary['families'][number], [PAPER, 'not tried']);
    assert.deepEqual(
      rows.map((row) => Object.values(row).slice(2)),
      [
        ['–', '0.250'],
        ['0.988', '–'],
      ],
    );
  });

  it('call the claim better, worse or undecided by the side of zero that an interval is on', () => {
    const verdicts = claimRows(
      families(
        made('halves', 0.6, [0.1, 0.3]),
        made('halves', 0.6, [-0.3, -0.1]),
        made('halves', 0.6, [-0.1, 0.1]),
      ),
    );
    assert.deepEqual(
      verdicts.map(({ verdict }) => verdict),
      ['better', 'worse', 'undecided'],
    );
  });

  it('compare the held-out protocol with the halves of the same family, sets and B', () => {
    const given = {
      families: families(made('halves', 0.6, [0, 1]), made('held-out', 0.7, [0, 1])),
    };
    const rows = protocolRows(given as Summary);
    assert.equal(rows.length, 1);
    assert.deepEqual([rows[0]?.['half the test set'], rows[0]?.['held-out images']], [0.6, 0.7]);
    const other = { ...made('held-out', 0.7, [0, 1]), batchSize: 1 };
    const alone = { families: families(made('halves', 0.6, [0, 1]), other) };
    assert.deepEqual(protocolRows(alone as Summary), []);
  });

  it('give the means of the shipped summary: those of the AUROCs that the layout shows', () => {
    const summary = JSON.parse(readFileSync(summaryFile(RESULTS), 'utf8')) as Summary;
    for (const family of summary.families) {
      const [row] = meanRows([family], [PAPER]);
      const cells = layoutRows(family, [PAPER])
        .flatMap((one) => Object.values(one).slice(2))
        .filter((cell) => cell !== '–')
        .map(Number);
      const mean = cells.reduce((sum, x) => sum + x, 0) / cells.length;
      assert.equal(row?.pairs, cells.length);
      // three digits
      assert.ok(Math.abs((row?.AUROC as number) - mean) <= 5e-4, `${row?.AUROC}, cells ${mean}`);
    }
  });
});
