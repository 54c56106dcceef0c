/**
 * # The thread of the language service
 *
 * Answers one call after the other (`language-client.ts` asks). A question that fails is answered
 * with nothing.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { loader } from './hook';
import type { Language, LanguageCall } from './language-client';

const { folder } = workerData as { folder: string };

/** Makes the service, where the clone has it. */
function createService(): Language | undefined {
  const file = path.join(__dirname, 'language.ts');
  if (!existsSync(file)) return undefined;
  return require(file).createLanguage({ root: loader.root, folder }) as Language;
}

const language = createService();

parentPort?.on('message', ({ id, method, args }: LanguageCall) => {
  let answer: unknown;
  try {
    answer = (language?.[method] as ((...given: unknown[]) => unknown) | undefined)?.(...args);
  } catch {
    answer = undefined;
  }
  parentPort?.postMessage({ id, answer });
});
