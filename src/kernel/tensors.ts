/**
 * # Tensors that nobody holds
 *
 * A tensor's memory lies outside of JavaScript, and nobody frees it when the last name of a tensor
 * goes. In a program that is a leak; in a notebook it is every cell that is run twice, and every
 * pass that was interrupted. So the kernel adds four things to TensorFlow.js's engine:
 *
 * - what is made outside of all scopes is watched, and freed once the garbage collector has found
 *   that nothing refers to it (`FinalizationRegistry`); `dispose` works as ever and is earlier;
 * - the engine's list of variables holds them weakly: it is no reason to keep a model;
 * - scopes that an interrupted cell left open are ended, with what was made in them;
 * - the next operation of an interrupted cell throws, wherever it is called from.
 *
 * The engine is met when the program first loads TensorFlow.js: the kernel starts without it.
 */
import { setTimeout } from 'node:timers'; // not the one that cells find
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** As much of a tensor as is needed. */
interface TensorLike {
  readonly dataId: object;
  readonly dtype: string;
  readonly size: number;
  readonly isDisposed: boolean;
  readonly name?: string;
  readonly assign?: unknown;
}

/** As much of TensorFlow.js's engine (4.22) as is needed. */
interface Engine {
  readonly state: {
    registeredVariables: Record<string, TensorLike>;
    readonly scopeStack: unknown[];
    readonly activeScope: unknown;
    readonly numTensors: number;
    kernelDepth: number;
    gradientDepth: number;
    activeTape: unknown;
  };
  track(tensor: TensorLike): TensorLike;
  keep(tensor: TensorLike): TensorLike;
  incRef(tensor: TensorLike, backend: unknown): void;
  disposeTensor(tensor: TensorLike): void;
  startScope(name?: string): void;
  endScope(): void;
  runKernelFunc(parameters: unknown): unknown;
}

let engine: Engine | undefined;

/**
 * Meets the engine as soon as there is one.
 *
 * @param checkpoint is called before each operation and each scope; may throw
 */
export function awaitEngine(checkpoint: () => void): void {
  Object.defineProperty(globalThis, '_tfengine', {
    configurable: true,
    get: () => engine,
    set(made: Engine) {
      engine = made;
      freeWhatIsUnreachable(made);
      stopAt(made, checkpoint);
    },
  });
}

/** Tensors there are; 0 before TensorFlow.js is loaded. */
export const tensorCount = (): number => engine?.state.numTensors ?? 0;

/** Ends the scopes that were left open, freeing what was made in them. */
export function endScopes(): void {
  if (engine === undefined) return;
  const { state } = engine;
  Object.assign(state, { kernelDepth: 0, gradientDepth: 0, activeTape: null });
  while (state.scopeStack.length > 0) engine.endScope();
}

let collector: (() => void) | undefined;

/** Collects garbage and lets the memory of unreachable tensors go. Takes some 50 ms. */
export async function collectGarbage(): Promise<void> {
  if (collector === undefined) {
    setFlagsFromString('--expose-gc');
    collector = runInNewContext('gc') as () => void;
  }
  // A tensor may be held by one that is freed only now: a second round finds it.
  for (let round = 0; round < 2; round++) {
    await turn(); // references of the turn that has just ended are gone
    collector();
    await turn();
  }
}

const turn = () => new Promise<void>((resolve) => setTimeout(resolve, 1));

function freeWhatIsUnreachable(made: Engine): void {
  const { track, keep, incRef, disposeTensor, state } = made;
  type Held = Pick<TensorLike, 'dataId' | 'dtype' | 'size' | 'name'>;
  const watched = new WeakMap<TensorLike, Held>();
  const registry = new FinalizationRegistry<Held>((held) => {
    disposeTensor.call(made, held as TensorLike);
    const { name } = held;
    if (name !== undefined && weakly[name]?.deref() === undefined) delete weakly[name];
  });
  const watch = (tensor: TensorLike) => {
    if (watched.has(tensor)) return;
    const { dataId, dtype, size, name } = tensor;
    const held = name === undefined ? { dataId, dtype, size } : { dataId, dtype, size, name };
    watched.set(tensor, held);
    registry.register(tensor, held, held);
  };
  const weakly: Record<string, WeakRef<TensorLike>> = {};
  state.registeredVariables = new Proxy(weakly as never, {
    get: (_, name: string) => weakly[name]?.deref(),
    set: (_, name: string, variable: TensorLike) => {
      weakly[name] = new WeakRef(variable);
      return true;
    },
    ownKeys: () => Object.keys(weakly).filter((name) => weakly[name]?.deref() !== undefined),
  });
  made.track = (tensor) => {
    if (state.activeScope === null || state.activeScope === undefined) watch(tensor);
    return track.call(made, tensor);
  };
  made.keep = (tensor) => {
    watch(tensor);
    return keep.call(made, tensor);
  };
  made.incRef = (tensor, backend) => {
    incRef.call(made, tensor, backend);
    if (tensor.assign !== undefined) watch(tensor); // a variable; it has new data after `assign`
  };
  made.disposeTensor = (tensor) => {
    const held = watched.get(tensor);
    if (held !== undefined) {
      registry.unregister(held);
      watched.delete(tensor);
    }
    disposeTensor.call(made, tensor);
  };
}

function stopAt(made: Engine, checkpoint: () => void): void {
  const { startScope, runKernelFunc } = made;
  made.startScope = (name) => {
    checkpoint();
    startScope.call(made, name);
  };
  made.runKernelFunc = (parameters) => {
    checkpoint();
    return runKernelFunc.call(made, parameters);
  };
}

/**
 * The tensors that a value holds, found as deep as a model has them.
 *
 * @returns weak references to them: asking must keep nothing alive
 */
export function tensorsOf(value: unknown): WeakRef<TensorLike>[] {
  if (engine === undefined) return [];
  const found: WeakRef<TensorLike>[] = [];
  const seen = new Set<unknown>();
  let level: unknown[] = [value];
  for (let depth = 0; depth < DEPTH && level.length > 0; depth++) {
    const next: unknown[] = [];
    for (const one of level) {
      if (typeof one !== 'object' || one === null || seen.has(one) || ArrayBuffer.isView(one))
        continue;
      if (seen.size >= OBJECTS) return found;
      seen.add(one);
      if (isTensor(one)) {
        if (!one.isDisposed) found.push(new WeakRef(one));
      } else if (one instanceof Map || one instanceof Set) next.push(...one.values());
      else next.push(...ownValues(one));
    }
    level = next;
  }
  return found;
}

const DEPTH = 6;
const OBJECTS = 20_000;

const isTensor = (value: object): value is TensorLike =>
  'dataId' in value && 'isDisposed' in value && 'rankType' in value;

/** Values of an object's own fields; getters are not called. */
function ownValues(value: object): unknown[] {
  return Object.values(Object.getOwnPropertyDescriptors(value)).map((field) => field.value);
}

/** How many of these tensors are still there. */
export function alive(tensors: readonly WeakRef<TensorLike>[]): number {
  return tensors.filter((one) => one.deref()?.isDisposed === false).length;
}
