/** One reading statement of a person over the stored views and the live state, in a killable process of its own. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { besideArguments, programArguments } from '../linux/beside.ts';
import { MoatError, saidBy } from '../core/error.ts';
import { StoreError } from '../stores/error.ts';
import type { Looked } from './live.ts';
import type { QueryReply, QueryRequest, QueryTold } from './query-child.ts';
import { checkSql } from './sql.ts';
import { known, type Known, type Told } from './table.ts';
import { databaseName } from '../stores/sqlite/store.ts';

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
  /** Views and live tables that may be read; all of them when left out. */
  views?: readonly string[];
  /** What the running agent knows, in pieces. May throw MoatError; without it nobody can tell. */
  agent?: (what: Known) => AsyncIterable<Told>;
  /** The program that runs it; default query-child beside this file. */
  child?: string;
}

export interface QueryResult {
  columns: string[];
  /** Integers beyond 2^53 and blobs (x'…') are text. */
  rows: (string | number | null)[][];
  /** Which cap cut the result; undefined when it is whole. */
  cut?: 'rows' | 'bytes';
  /** The tables of the live state that the query reads, each with the time of its look. */
  live: Looked[];
}

/**
 * Runs SQL over what is stored in a data directory and over this machine as it is; works while an agent runs and when none does, but
 * for what the agent alone knows. Rejects with StoreError: 'query' (wrong SQL, with its place), 'refused' (not a single reading statement over what may be
 * read), 'timeout', 'blind' (a live table that could not be looked at), 'missing', 'denied', 'corrupt', 'io'.
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
    const result: QueryResult = { columns: [], rows: [], live: [] };
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
      else if ('live' in reply) result.live = reply.live;
      else if ('ask' in reply) void tell(reply.ask);
      else if ('error' in reply) failure ??= new StoreError(reply.error.code, reply.error.message, { hint: reply.error.hint, text: reply.error.text });
      else {
        whole = true;
        if (reply.end === 'rows') result.cut = 'rows';
      }
    }
    /** No faster than the child reads it. */
    async function put(told: QueryTold): Promise<void> {
      if (child.stdin.destroyed || child.stdin.write(`${JSON.stringify(told)}\n`)) return;
      await new Promise<void>((resume) => {
        const go = (): void => { child.stdin.off('drain', go); child.stdin.off('close', go); resume(); };
        child.stdin.on('drain', go).on('close', go);
      });
    }
    async function tell(what: Known): Promise<void> {
      try {
        if (!options.agent || !known.includes(what)) throw new MoatError('not-running', 'only a running Moat knows it', { zh: '只有运行中的 Moat 才知道', hint: { zh: '先启动：moat up', en: 'start it with: moat up' } });
        for await (const told of options.agent(what)) {
          if (failure || child.stdin.destroyed) return;
          await put(told);
        }
        await put({ end: true });
      } catch (error) {
        const { code = 'unavailable', hint, hintText } = error as Partial<MoatError>;
        await put({ failed: { code, text: saidBy(error), hint: hintText ?? hint } });
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
    child.stdin.write(`${JSON.stringify(request)}\n`);
  });
}

function command(given: string | undefined): string[] {
  const words = given === undefined ? besideArguments(import.meta.url, 'query-child') : programArguments(given);
  if (!words) throw new StoreError('missing', 'expected the query program beside Moat, got nothing', { hint: 'The installation is incomplete: build or install Moat again.' });
  return words;
}
