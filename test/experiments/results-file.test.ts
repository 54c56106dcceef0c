import assert from 'node:assert/strict';
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { GenericSchema } from 'valibot';
import { readLooks } from '../../src/experiments/looks';
import {
  ablationsFile,
  COSTLY_RESULTS,
  FAMILY_ROUND,
  FIRST_RESULTS,
  FLOW_ROUND,
  LOOKS,
  MODEL_CARDS,
  PIXEL_BASELINE,
  RESULTS,
  readModelResults,
  readResultsFile,
  SCALE,
  SINGLE_ROUND,
  summaryFile,
} from '../../src/experiments/results-file';
import {
  ABLATIONS,
  BASELINE,
  CARDS,
  FIRST,
  LADDER_RESULTS,
  LOOKS_RECORD,
  MODEL_RESULTS,
  ROUND,
  SUMMARY,
} from '../../src/experiments/results-schemas';
import { SCALE_PARTS } from '../../src/experiments/scale-results';

const COMMAND = 'fisherlab of-this-test';

/** A file that ships, its schema, and the path inside it of a number that a test takes away. */
const KINDS: readonly [file: string, schema: GenericSchema, place: readonly (string | number)[]][] =
  [
    [path.join(RESULTS, 'vae-mnist.json'), MODEL_RESULTS, ['rows', 3, 'auroc', 'low']],
    [path.join(COSTLY_RESULTS, 'vae-mnist.json'), MODEL_RESULTS, ['comparisons', 0, 'batchSize']],
    [summaryFile(RESULTS), SUMMARY, ['families', 1, 'methods', 0, 'meanAupr']],
    [summaryFile(COSTLY_RESULTS), SUMMARY, ['families', 0, 'methods', 0, 'against', 'wins']],
    [MODEL_CARDS, CARDS, [2, 'bitsPerDim']],
    [ablationsFile('glow-cifar10'), ABLATIONS, ['fitSizes', 0, 'x']],
    [ablationsFile('ladder'), LADDER_RESULTS, ['rungs', 1, 'parameters']],
    [PIXEL_BASELINE, BASELINE, ['rows', 0, 'inCount']],
    [FIRST_RESULTS, FIRST, ['rows', 0, 'high']],
    [SCALE, SCALE_PARTS, ['long', 'first', 'cpu_ms_per_image']],
    [FLOW_ROUND, ROUND, ['development', 'means', 0, 'worst']],
    [FAMILY_ROUND, ROUND, ['images']],
    [SINGLE_ROUND, ROUND, ['reporting', 'rows', 0, 'paper']],
    [LOOKS, LOOKS_RECORD, [0, 'chosenFrom']],
  ];

/** A copy of what JSON says in which `value` lies at a place. */
function changed(json: unknown, place: readonly (string | number)[], value: unknown): unknown {
  const copy = structuredClone(json);
  let within = copy as Record<string | number, unknown>;
  for (const key of place.slice(0, -1)) within = within[key] as typeof within;
  within[place[place.length - 1] as string | number] = value;
  return copy;
}

describe('a file of results', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'fisherlab-results-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  for (const [file, schema, place] of KINDS) {
    const name = path.relative(RESULTS, file);
    it(`is read completely, and refused with the path of a missing entry: ${name}`, () => {
      const json: unknown = JSON.parse(readFileSync(file, 'utf8'));
      assert.deepEqual(readResultsFile(file, schema, COMMAND), json);
      const copy = path.join(folder, 'copy.json');
      writeFileSync(copy, JSON.stringify(changed(json, place, undefined)));
      assert.throws(() => readResultsFile(copy, schema, COMMAND), {
        name: 'FisherlabError',
        message: new RegExp(
          `copy.json' is damaged: '${place.join('.')}' is missing.*${COMMAND}`,
          's',
        ),
      });
      writeFileSync(copy, JSON.stringify(changed(json, place, 'many')));
      assert.throws(
        () => readResultsFile(copy, schema, COMMAND),
        new RegExp(`'${place.join('.')}' is "many", not a number`),
      );
    });
  }

  it('that was cut short is damaged, not absent; one that is absent names the command', () => {
    const copy = path.join(folder, 'cut.json');
    writeFileSync(copy, readFileSync(MODEL_CARDS, 'utf8').slice(0, -20));
    assert.throws(() => readResultsFile(copy, CARDS, COMMAND), /is damaged: it is not JSON/);
    rmSync(copy);
    assert.throws(
      () => readResultsFile(copy, CARDS, COMMAND),
      /there are no results in .*of-this-/s,
    );
  });

  it('of every shipped model fits its schema, and a damaged one among others is named', () => {
    const models = readdirSync(RESULTS).filter((file) => /^(glow|vae|diffusion)-/.test(file));
    assert.equal(readModelResults(RESULTS).length, models.length);
    const other = path.join(folder, 'a-card.json');
    copyFileSync(MODEL_CARDS, path.join(folder, 'cards.json'));
    writeFileSync(other, '{"rows": [1]}');
    assert.deepEqual(readModelResults(folder), []);
    const [file, schema, place] = KINDS[0] as (typeof KINDS)[number];
    const json = readResultsFile(file, schema, COMMAND);
    writeFileSync(path.join(folder, 'mine.json'), JSON.stringify(changed(json, place, null)));
    assert.throws(
      () => readModelResults(folder),
      /mine\.json' is damaged: 'rows\.3\.auroc\.low' is/,
    );
  });

  it('that records looks is refused if a look is damaged, and empty if there is none', async () => {
    const file = path.join(folder, 'looks.json');
    assert.deepEqual(await readLooks(file), []);
    writeFileSync(file, '[{"candidate": "one", "chosenFrom": 2, "date": "2026-11-01"}]');
    await assert.rejects(readLooks(file), /looks\.json' is damaged: '0\.pairs' is missing/);
  });
});
