/**
 * # Loaded when it is first used
 *
 * A library that takes longer to load than this program to start is not loaded by whoever merely
 * imports a file that might need it. Where such a library is called from many places or often, the
 * file keeps it as `const d3 = lazily(() => require('d3-array') as typeof import('d3-array'))` and
 * calls `d3().rank(…)`.
 */

/** `load()`, called once, when it is first asked for. */
export function lazily<T>(load: () => T): () => T {
  let loaded: { readonly value: T } | undefined;
  return () => {
    loaded ??= { value: load() };
    return loaded.value;
  };
}
