/**
 * # How fast the kernel is
 *
 * Measures the times that a person at a notebook waits for, as Jupyter sees them, through ZeroMQ,
 * each in a fresh kernel. The same run also measures plain tslab, and how long Node takes to load
 * the same modules (`node -e`). All times are medians of several starts. On a shared machine the
 * ratios matter, not the milliseconds.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { BenchClient } from './bench-client';
import { NOTEBOOKS, OWN } from './bench-kernels';
import { loader } from './hook';

/** One line of the table. */
export interface KernelFigure {
  readonly what: string;
  /** Median, in milliseconds. */
  readonly ms: number;
  /** The same with plain tslab, if it was measured. */
  readonly tslab?: number;
  /** The time Node takes for the same work, if Node can do it. */
  readonly node?: number;
  /** The goal, in words. */
  readonly goal: string;
}

export interface KernelBenchOptions {
  /** The number of starts of each kind (default 5). */
  readonly starts?: number;
  /** Whether to measure plain tslab too, which starts slowly (default true). */
  readonly tslab?: boolean;
}

/** Nearly the first cell of notebook 04: the front door and the backend. */
const IMPORTS = "import { startBackend, tf } from './src/index';\nawait startBackend();";
const LOAD =
  "import { models } from './src/index';\nconst { model } = models.loadModel('glow-fashion_mnist');";

const TSLAB = (file: string) => [
  '-e',
  `require(${JSON.stringify(path.join(loader.root, 'node_modules/tslab/dist/main.js'))}).startKernel({ configPath: ${JSON.stringify(file)}, enableFindLocal: false })`,
];

/**
 * Measures the table.
 *
 * @param onFigure is called with each line as it is known
 */
export async function kernelBench(
  { starts = 5, tslab = true }: KernelBenchOptions = {},
  onFigure: (figure: KernelFigure) => void = () => {},
): Promise<KernelFigure[]> {
  const figures: KernelFigure[] = [];
  const add = (figure: KernelFigure) => {
    figures.push(figure);
    onFigure(figure);
  };
  const own = await repeated(starts, () => startAndImport(OWN));
  const other = tslab
    ? await repeated(Math.min(starts, 2), () => startAndImport(TSLAB))
    : undefined;
  const node = median(await repeated(starts, nodeLoads));
  const of = (runs: StartTimes[], key: keyof StartTimes) => median(runs.map((run) => run[key]));
  const beside = (key: keyof StartTimes) => (other === undefined ? {} : { tslab: of(other, key) });
  add({
    what: 'start to the result of 1+1',
    ms: of(own, 'first'),
    ...beside('first'),
    goal: '≤ 1.2 s, 6 × faster than tslab',
  });
  add({
    what: 'imports and backend, warm cache',
    ms: of(own, 'imports'),
    ...beside('imports'),
    node,
    goal: '≤ 1.3 × node',
  });
  add({ what: 'the same cell again', ms: of(own, 'again'), ...beside('again'), goal: '≤ 50 ms' });
  add({ what: 'a trivial cell', ms: of(own, 'trivial'), ...beside('trivial'), goal: '≤ 10 ms' });
  const cold = await repeated(starts, coldImports);
  add({ what: 'imports and backend, cold cache', ms: median(cold), node, goal: '≤ 2 × node' });
  for (const figure of await atWork(starts)) add(figure);
  return figures;
}

interface StartTimes {
  readonly first: number;
  readonly imports: number;
  readonly again: number;
  readonly trivial: number;
}

async function startAndImport(argv: (file: string) => string[]): Promise<StartTimes> {
  const began = performance.now();
  const kernel = await BenchClient.start(NOTEBOOKS, argv);
  try {
    await kernel.execute('1+1');
    const first = performance.now() - began;
    const imports = await kernel.execute(IMPORTS);
    const again = await kernel.execute(IMPORTS);
    const trivial = await repeated(5, () => kernel.execute('1+1'));
    return { first, imports, again, trivial: median(trivial) };
  } finally {
    await kernel.stop();
  }
}

/** Times the first cell with an empty cache. */
async function coldImports(): Promise<number> {
  const cache = mkdtempSync(path.join(tmpdir(), 'fisherlab-bench-'));
  const kernel = await BenchClient.start(NOTEBOOKS, OWN, { XDG_CACHE_HOME: cache });
  try {
    return await kernel.execute(IMPORTS);
  } finally {
    await kernel.stop();
    rmSync(cache, { recursive: true, force: true });
  }
}

/** Times Node from its start until the same modules are loaded and the backend has started. */
async function nodeLoads(): Promise<number> {
  const script = `require(${JSON.stringify(path.join(loader.root, 'src/kernel/loader.cjs'))}).install(); require(${JSON.stringify(path.join(loader.root, 'src/index.ts'))}).startBackend()`;
  const began = performance.now();
  const { status, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return performance.now() - began;
}

/** Times edits, interrupts and completion in one kernel with a model. */
async function atWork(times: number): Promise<KernelFigure[]> {
  mkdirSync(path.join(loader.root, 'out'), { recursive: true });
  const folder = mkdtempSync(path.join(loader.root, 'out', 'bench '));
  const file = path.join(folder, 'part.ts');
  writeFileSync(file, 'const part = () => 0;\n');
  const kernel = await BenchClient.start(NOTEBOOKS, OWN);
  try {
    await kernel.execute(IMPORTS);
    await kernel.execute(LOAD);
    await kernel.execute(`import { part } from ${JSON.stringify(file)};`);
    let version = 0;
    const edit = await repeated(times, async () => {
      writeFileSync(file, `const part = () => ${++version * 1111};\n`);
      return kernel.execute('part()');
    });
    let asked = 0; // another text each time, as if somebody were typing
    const complete = () => kernel.complete(`const asked = ${++asked};\nmodel.`);
    await repeated(5, complete); // warm: V8 has compiled what it needs
    const idle = await repeated(times, complete);
    const busy = kernel.execute('const end = Date.now() + 5000; while (Date.now() < end) {}');
    const whileBusy = await repeated(times, complete);
    await busy;
    const loop = await repeated(times, () => kernel.interruptAfter('while (true) {}', 300));
    const pass = await repeated(times, () =>
      kernel.interruptAfter(
        'const big = tf.ones([1500, 1500]); for (;;) tf.tidy(() => big.matMul(big));',
        500,
      ),
    );
    return [
      { what: 'an edit to the new result', ms: median(edit), goal: '≤ 300 ms' },
      { what: 'completion of model., idle', ms: median(idle), goal: '≤ 100 ms' },
      { what: 'completion while a cell runs', ms: median(whileBusy), goal: '≤ 100 ms' },
      { what: 'interrupt of while (true) {}', ms: median(loop), goal: '≤ 100 ms' },
      { what: 'interrupt of a native pass', ms: median(pass), goal: '≤ 1 s' },
    ];
  } finally {
    await kernel.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function repeated<T>(times: number, measure: () => Promise<T>): Promise<T[]> {
  const all: T[] = [];
  for (let i = 0; i < times; i++) all.push(await measure());
  return all;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
