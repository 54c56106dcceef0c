import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const ROOT = path.resolve(__dirname, '..');
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

/** The first TypeScript example of the README, as a reader would paste it. */
function readmeSnippet(): string {
  const snippet = /```ts\n([\s\S]*?)```/.exec(
    readFileSync(path.join(ROOT, 'README.md'), 'utf8'),
  )?.[1];
  if (!snippet?.includes("from 'fisherlab'"))
    throw new Error('the README has no example that imports fisherlab');
  return snippet;
}

describe('the packed library, installed into an empty TypeScript project', () => {
  let project: string;

  before(function () {
    this.timeout(600000);
    project = mkdtempSync(path.join(tmpdir(), 'fisherlab-consumer-'));
    execFileSync(npm, ['run', 'build', '--silent'], { cwd: ROOT });
    const packed = execFileSync(
      npm,
      ['pack', '--silent', '--ignore-scripts', '--pack-destination', project],
      {
        cwd: ROOT,
        encoding: 'utf8',
      },
    );
    writeFileSync(
      path.join(project, 'package.json'),
      JSON.stringify({ name: 'consumer', private: true }),
    );
    const install = ['install', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund'];
    const done = spawnSync(npm, [...install, `./${packed.trim()}`], {
      cwd: project,
      encoding: 'utf8',
    });
    if (done.status !== 0 && spawnSync(npm, ['ping'], { cwd: project }).status !== 0) {
      (this.test as Mocha.Hook).title += ' (skipped: the npm registry is out of reach)';
      this.skip();
    }
    assert.equal(done.status, 0, done.stderr);
  });

  after(() => rmSync(project, { recursive: true, force: true }));

  const run = (...args: string[]) =>
    execFileSync(process.execPath, args, { cwd: project, encoding: 'utf8', timeout: 300000 });

  it('is loaded by require and by import, with the same names', () => {
    const names =
      'Object.keys(lab).filter((name) => !/^(default|module\\.exports|__esModule)$/.test(name)).sort().join()';
    const required = run('-e', `const lab = require('fisherlab'); console.log(${names})`);
    const imported = run(
      '--input-type=module',
      '-e',
      `import * as lab from 'fisherlab'; console.log(${names})`,
    );
    assert.match(required, /data,detectors,evaluation,experiments,features/);
    assert.equal(imported, required);
  });

  it('includes the command', () => {
    const bin = path.join('node_modules', 'fisherlab', 'bin', 'fisherlab.js');
    const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
    assert.equal(run(bin, '--version'), `${version}\n`);
    assert.match(run(bin, 'data', 'list'), /fashion_mnist/);
  });

  it("type-checks the README's example in strict mode, under all three ways to resolve modules", function () {
    this.timeout(300000);
    writeFileSync(path.join(project, 'try.ts'), readmeSnippet());
    const tsc = path.join(ROOT, 'node_modules/typescript/bin/tsc');
    const shared = ['--strict', '--noEmit', '--skipLibCheck', '--target', 'ES2022'];
    for (const [module, resolution] of [
      ['CommonJS', 'Node10'],
      ['Node16', 'Node16'],
      ['ESNext', 'Bundler'],
    ] as const)
      run(tsc, ...shared, '--module', module, '--moduleResolution', resolution, 'try.ts');
    const wrong = path.join(project, 'wrong.ts');
    writeFileSync(wrong, "import { detectors } from 'fisherlab';\ndetectors.detector(7);\n");
    const refused = spawnSync(process.execPath, [tsc, ...shared, '--module', 'CommonJS', wrong], {
      cwd: project,
      encoding: 'utf8',
    });
    assert.match(refused.stdout, /wrong\.ts\(2,20\): error TS2345/);
  });

  it("runs the README's example", function () {
    this.timeout(300000);
    const tsx = path.join(ROOT, 'node_modules/tsx/dist/cli.mjs');
    mkdirSync(path.join(project, 'src'), { recursive: true });
    writeFileSync(path.join(project, 'src', 'try.ts'), readmeSnippet());
    const auroc = Number(/AUROC (\S+)/.exec(run(tsx, 'src/try.ts'))?.[1]);
    assert.ok(auroc > 0.9 && auroc <= 1, `AUROC ${auroc}`);
  });
});
