/**
 * # The thread of the language service
 *
 * Answers one call after the other (`language-client.ts` asks). A question that fails is answered
 * with nothing.
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
