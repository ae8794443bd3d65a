/** The thread in which files are analysed: it can be ended when one takes too long or too much memory. An entry of the build. */
import { parentPort } from 'node:worker_threads';
import { languages } from '../../webshell/languages.ts';
import type { Job, Result } from './pool.ts';

parentPort!.on('message', ({ id, language, source }: Job) => {
  const analyse = languages[language];
  const result: Result = { id, analysis: analyse?.(Buffer.from(source.buffer, source.byteOffset, source.byteLength).toString('latin1')) ?? { signs: [], cut: [`no reader for ${language}`], read: 'tokens' } };
  parentPort!.postMessage(result, []);
});
