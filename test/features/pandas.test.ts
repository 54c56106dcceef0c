import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { writeTableFile } from '../../src/features/table-file';

/** Name one in which pandas, polars, duckdb and pyarrow are installed. */
const PYTHON = process.env.PYTHON ?? 'python3';
const PAGE = readFileSync(path.resolve(__dirname, '..', '..', 'docs', 'pandas.md'), 'utf8');
const snippets = (language: string) =>
  [...PAGE.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
    ([, code]) => code as string,
  );

/** Whole numbers, so that their mean has no more than one way to be written. */
const ROWS = 9;
const LIKELIHOOD = Float64Array.from({ length: ROWS }, (_, row) => -1000 - 2 * row);
const MEAN = -1008;
const NORMS = [1, 100].map((size) =>
  Float64Array.from({ length: ROWS }, (_, row) => size * 10 ** (row % 3)),
);

/** Of the logarithms of 1, 10 and 100, three times each. */
const DEVIATION = Math.sqrt(6 / (ROWS - 1)) * Math.log(10);

/** What a Python has of the packages that a snippet needs. */
const has = (modules: readonly string[]) =>
  spawnSync(PYTHON, ['-c', `import ${modules.join(', ')}`]).status === 0;

describe('the page about pandas, polars and DuckDB', () => {
  let folder: string;
  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'fisherlab-'));
    const layers = NORMS.map((values, j) => ({
      feature: 'squared-norm',
      layer: `layer.${j}`,
      size: 3,
      values,
    }));
    const columns = [{ feature: 'log-likelihood', values: LIKELIHOOD }, ...layers];
    const images = Array.from({ length: ROWS }, (_, k) => k);
    await writeTableFile(path.join(folder, 'features.parquet'), {}, [
      { images, table: { rows: ROWS, batchSize: 1, columns } },
    ]);
  });
  after(() => rmSync(folder, { recursive: true }));

  const [pandas = '', polars = ''] = snippets('python');
  const [sql = ''] = snippets('sql');
  const query = `import duckdb\nprint(duckdb.sql('''${sql}''').fetchall())`;
  const cases: [string, string[], string, (said: string) => void][] = [
    [
      'pandas',
      ['pandas', 'pyarrow'],
      pandas,
      (said) => assert.equal(said.trim(), `${MEAN}.0 (${ROWS}, 2)`),
    ],
    [
      'polars',
      ['polars'],
      polars,
      (said) => {
        const means = /mean[^\d]*([\d.]+)/.exec(said)?.[1];
        assert.ok(Math.abs(Number(means) - DEVIATION) < 1e-5, said);
      },
    ],
    ['DuckDB', ['duckdb'], query, (said) => assert.equal(said.trim(), `[(${MEAN}.0, ${ROWS})]`)],
  ];
  for (const [name, modules, program, check] of cases) {
    const missing = has(modules) ? '' : ` (skipped: '${PYTHON}' has no ${modules.join(', ')})`;
    it(`can be followed with ${name}${missing}`, function () {
      if (missing !== '') this.skip();
      const { status, stdout, stderr } = spawnSync(PYTHON, ['-c', program], {
        cwd: folder,
        encoding: 'utf8',
      });
      assert.equal(status, 0, stderr);
      check(stdout);
    });
  }
});
