/**
 * # Freeing unreachable tensors
 *
 * The memory of a tensor is outside of JavaScript, and nothing frees it when the last reference to
 * the tensor is gone. In a program that is a leak; in a notebook it happens with every cell that is
 * run twice and every interrupted pass. So the kernel adds four things to the engine of
 * TensorFlow.js:
 *
 * - tensors made outside of all scopes are watched and freed when the garbage collector finds that
 *   nothing refers to them (`FinalizationRegistry`); `dispose` works as usual and frees them
 *   earlier;
 * - the engine's list of variables holds them weakly, so it does not keep a model alive;
 * - scopes that an interrupted cell left open are ended, which frees their tensors;
 * - the next operation of an interrupted cell throws, wherever it is called.
 *
 * The kernel starts without TensorFlow.js and adds these things when the program first loads it.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { whole } from './signal';
import { turn } from './timers';

/** The part of a tensor that is needed. */
interface TensorLike {
  readonly dataId: object;
  readonly dtype: string;
  readonly size: number;
  readonly isDisposed: boolean;
  readonly name?: string;
  readonly assign?: unknown;
}

/** The part of the engine of TensorFlow.js (4.22) that is needed. */
interface Engine {
  readonly state: {
    registeredVariables: Record<string, TensorLike>;
    readonly scopeStack: unknown[];
    readonly activeScope: unknown;
    numTensors: number;
    numBytes: number;
    readonly tensorInfo: WeakMap<object, unknown>;
    kernelDepth: number;
    gradientDepth: number;
    activeTape: unknown;
  };
  track(tensor: TensorLike): TensorLike;
  keep(tensor: TensorLike): TensorLike;
  incRef(tensor: TensorLike, backend: unknown): void;
  disposeTensor(tensor: TensorLike): void;
  startScope(name?: string): void;
  endScope(result?: unknown): void;
  runKernelFunc(parameters: unknown): unknown;
}

let engine: Engine | undefined;

/**
 * Changes the engine as soon as it exists.
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

/** The number of tensors; 0 before TensorFlow.js is loaded. */
export const tensorCount = (): number => engine?.state.numTensors ?? 0;

/** Ends the scopes that were left open and frees their tensors. */
export function endScopes(): void {
  if (engine === undefined) return;
  const { state } = engine;
  Object.assign(state, { kernelDepth: 0, gradientDepth: 0, activeTape: null });
  while (state.scopeStack.length > 0) engine.endScope();
}

let collector: (() => void) | undefined;

/** Runs the garbage collector and frees unreachable tensors. Takes some 50 ms. */
export async function collectGarbage(): Promise<void> {
  if (collector === undefined) {
    setFlagsFromString('--expose-gc');
    collector = runInNewContext('gc') as () => void;
  }
  // A tensor may be referred to by one that is freed only now; a second round finds it.
  for (let round = 0; round < 2; round++) {
    await turn(); // references of the turn that just ended are gone now
    collector();
    await turn();
  }
}

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
  const begun = new WeakSet<TensorLike>();
  made.disposeTensor = (tensor) => {
    // If a disposal was interrupted halfway, it was counted but the data still exists.
    if (begun.has(tensor) && state.tensorInfo.has(tensor.dataId)) {
      state.numTensors++;
      state.numBytes += tensor.size * bytesOf(tensor.dtype);
    }
    if (tensor.assign === undefined) begun.add(tensor);
    const held = watched.get(tensor);
    if (held !== undefined) {
      registry.unregister(held);
      watched.delete(tensor);
    }
    disposeTensor.call(made, tensor);
  };
}

/** The bytes that the engine counts per number; other types are counted elsewhere. */
const bytesOf = (dtype: string): number => ({ float32: 4, int32: 4, bool: 1 })[dtype] ?? 0;

function stopAt(made: Engine, checkpoint: () => void): void {
  const { startScope, endScope, disposeTensor, runKernelFunc } = made;
  made.startScope = (name) => {
    checkpoint();
    startScope.call(made, name);
  };
  made.runKernelFunc = (parameters) => {
    checkpoint();
    return whole(() => runKernelFunc.call(made, parameters));
  };
  made.endScope = (result) => whole(() => endScope.call(made, result));
  made.disposeTensor = (tensor) => whole(() => disposeTensor.call(made, tensor));
}

/**
 * The tensors that a value holds, searched as deep as models nest them.
 *
 * @returns weak references, so that the search keeps nothing alive
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

/** How many of these tensors still exist. */
export function alive(tensors: readonly WeakRef<TensorLike>[]): number {
  return tensors.filter((one) => one.deref()?.isDisposed === false).length;
}
