/**
 * # The thread of the language service
 *
 * Answers calls from `language-client.ts` one after another. A call that fails gets an empty
 * answer.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { loader } from './hook';
import { createLanguage } from './language';
import type { LanguageCall } from './language-client';

const { folder } = workerData as { folder: string };
const language = createLanguage({ root: loader.root, folder });

parentPort?.on('message', ({ method, args }: LanguageCall) => {
  let answer: unknown;
  try {
    answer = (language[method] as (...given: unknown[]) => unknown)(...args);
  } catch {
    answer = undefined;
  }
  parentPort?.postMessage(answer);
});
