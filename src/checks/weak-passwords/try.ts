/** Starts the process that tries words, and ends it when its time is up. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { extname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { MoatError } from '../../core/error.ts';
import type { CryptReply, CryptRequest } from './crypt-child.ts';

export type CryptErrorCode = 'no-crypt' | 'crypt-failed';

export interface Tried { /** Job and word that fit. */ hits: { job: number; word: number }[]; tried: number; /** Jobs whose kind of hash this libcrypt does not have. */ unknown: number; /** Words not tried for want of time; undefined when the process had to be ended. */ left: number | undefined }

/** `cpuMs`: processor time for the tries; `ms`: after so much time by the clock the process is ended, its start included. */
export interface CryptTime { cpuMs: number; ms: number }

/** Rejects with MoatError 'no-crypt' (no libcrypt, no child) or 'crypt-failed'. */
export function tryWords(jobs: CryptRequest['jobs'], { cpuMs, ms }: CryptTime, signal: AbortSignal): Promise<Tried> {
  signal.throwIfAborted();
  return new Promise((done, fail) => {
    const request: CryptRequest = { jobs, cpuMs };
    const child = spawn(process.execPath, command(), { stdio: ['pipe', 'pipe', 'ignore'], env: {} });
    const out: Tried = { hits: [], tried: 0, unknown: 0, left: undefined };
    let failure: Error | undefined;
    let rest = '';
    const stop = (): void => { child.kill('SIGKILL'); };
    const timer = setTimeout(stop, ms);
    signal.addEventListener('abort', stop);
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const reply = JSON.parse(line) as CryptReply;
        if ('error' in reply) failure = new MoatError<CryptErrorCode>('no-crypt', reply.error, { zh: `系统没有可用的 crypt（${reply.error}）` });
        else if ('job' in reply) out.hits.push(reply);
        else { out.tried = reply.tried; out.unknown = reply.unknown; out.left = reply.left; }
      }
    });
    child.on('error', (error) => { failure ??= new MoatError<CryptErrorCode>('crypt-failed', `cannot start the process that tries passwords: ${error.message}`, { zh: `启动不了试密码的进程（${error.message}）`, cause: error }); });
    child.on('close', () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      if (signal.aborted) fail(signal.reason instanceof Error ? signal.reason : new MoatError<CryptErrorCode>('crypt-failed', 'stopped', { zh: '已中止' }));
      else if (failure) fail(failure);
      else done(out);
    });
    // It may be gone before it read everything; then 'close' says why.
    child.stdin.on('error', () => undefined);
    child.stdin.end(JSON.stringify(request));
  });
}

/** Arguments for node: the child stands beside us, in the bundle as in the sources. */
function command(): string[] {
  const here = fileURLToPath(import.meta.url);
  const file = fileURLToPath(new URL(`./crypt-child${extname(here)}`, import.meta.url));
  if (!existsSync(file)) throw new MoatError<CryptErrorCode>('no-crypt', `expected the program that tries passwords at ${file}`, { zh: `没有试密码的程序 ${file}`, hint: { zh: '安装不完整：重新构建或安装 Moat', en: 'the installation is incomplete: build or install Moat again' } });
  if (extname(file) !== '.ts') return [file];
  // From the sources: Node 20 cannot read TypeScript by itself.
  return ['--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href, file];
}
