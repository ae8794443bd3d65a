/** `moat query SQL`: one reading statement over the views, in a killable process of its own. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { besideArguments, programArguments } from '../../linux/beside.ts';
import { StoreError } from '../error.ts';
import type { QueryReply, QueryRequest } from './query-child.ts';
import { checkSql } from './sql.ts';
import { databaseName } from './store.ts';

export interface QueryOptions {
  /** Default 10,000. */
  maxRows?: number;
  /** Default 10 seconds. */
  timeoutMs?: number;
  /** Cap of the result as JSON. Default 32 MiB. */
  maxBytes?: number;
  /** Resident memory at which the query is stopped. Default 512 MiB. */
  maxMemory?: number;
  signal?: AbortSignal;
  /** Views that may be read; all of them when left out. */
  views?: readonly string[];
  /** The program that runs it; default query-child beside this file. */
  child?: string;
}

export interface QueryResult {
  columns: string[];
  /** Integers beyond 2^53 and blobs (x'…') are text. */
  rows: (string | number | null)[][];
  /** Which cap cut the result; undefined when it is whole. */
  cut?: 'rows' | 'bytes';
}

/**
 * Runs SQL over events, alerts, positions and settings of a data directory; works while an agent runs and when
 * none does. Rejects with StoreError: 'query' (wrong SQL, with its place), 'refused' (not a single reading
 * statement over those views), 'timeout', 'missing', 'denied', 'corrupt', 'io'.
 */
export async function querySqlite(dir: string, sql: string, options: QueryOptions = {}): Promise<QueryResult> {
  const timeoutMs = options.timeoutMs ?? 10_000;
  const maxBytes = options.maxBytes ?? 32 * 2 ** 20;
  const request: QueryRequest = {
    file: join(resolve(dir), databaseName), sql: checkSql(sql), maxRows: options.maxRows ?? 10_000, timeoutMs, maxMemory: options.maxMemory ?? 512 * 2 ** 20, ...(options.views && { views: options.views }),
  };
  if (!existsSync(request.file)) throw new StoreError('missing', `no database at ${request.file}`, { hint: 'Start Moat once, name its data directory, or run as the user that Moat runs as.' });
  options.signal?.throwIfAborted();

  return new Promise((done, fail) => {
    const child = spawn(process.execPath, command(options.child), { stdio: ['pipe', 'pipe', 'pipe'], env: process.env['TZ'] === undefined ? {} : { TZ: process.env['TZ'] } });
    const result: QueryResult = { columns: [], rows: [] };
    let failure: Error | undefined;
    let whole = false;
    let bytes = 0;
    let rest = '';
    let complaint = '';
    const stop = (error?: Error): void => {
      failure ??= error;
      child.kill('SIGKILL');
    };
    const timer = setTimeout(() => stop(new StoreError('timeout', `the query was stopped after ${timeoutMs / 1000} s`, { hint: 'Narrow it: WHERE time > … is quick, time is in Unix milliseconds.' })), timeoutMs);
    const abort = (): void => stop(options.signal?.reason instanceof Error ? options.signal.reason : new StoreError('timeout', 'the query was cancelled'));
    options.signal?.addEventListener('abort', abort);

    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (text: string) => {
      if (whole || failure) return;
      bytes += text.length;
      rest += text;
      if (text.includes('\n')) {
        const lines = rest.split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) take(JSON.parse(line) as QueryReply);
      }
      if (!whole && bytes > maxBytes) {
        result.cut = 'bytes';
        whole = true;
        stop();
      }
    });
    function take(reply: QueryReply): void {
      if ('row' in reply) result.rows.push(reply.row);
      else if ('columns' in reply) result.columns = reply.columns;
      else if ('error' in reply) failure ??= new StoreError(reply.error.code, reply.error.message, { hint: reply.error.hint });
      else {
        whole = true;
        if (reply.end === 'rows') result.cut = 'rows';
      }
    }
    child.stderr.setEncoding('utf8');
    child.stderr.on('data', (text: string) => { if (complaint.length < 4_000) complaint += text; });
    child.on('error', (error) => { failure ??= new StoreError('io', `cannot start the query process: ${error.message}`, { cause: error }); });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', abort);
      if (failure) return fail(failure);
      if (whole) return done(result);
      if (complaint.endsWith('memory')) return fail(new StoreError('timeout', `the query was stopped: it took more than ${request.maxMemory / 2 ** 20} MiB of memory`, { hint: 'Sort or group fewer rows.' }));
      fail(new StoreError('io', `the query process ended early (${signal ?? code}): ${complaint.slice(0, 500)}`));
    });
    // It may be gone before it read everything; then 'close' says why.
    child.stdin.on('error', () => undefined);
    child.stdin.end(JSON.stringify(request));
  });
}

function command(given: string | undefined): string[] {
  const words = given === undefined ? besideArguments(import.meta.url, 'query-child') : programArguments(given);
  if (!words) throw new StoreError('missing', 'expected the query program beside Moat, got nothing', { hint: 'The installation is incomplete: build or install Moat again.' });
  return words;
}
