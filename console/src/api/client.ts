/** Asks the server. What goes wrong is an ApiError with the code and the words of the server's problem. */
import type { Text } from '../text/lang.ts';

export class ApiError extends Error {
  /** HTTP status; 0 when the server was not reached. */
  readonly status: number;
  readonly code: string;
  readonly text: Text;
  readonly hint: string | undefined;
  /** The whole problem: some say more. */
  readonly body: Readonly<Record<string, unknown>>;

  constructor(status: number, code: string, text: Text, hint?: string, body: Record<string, unknown> = {}) {
    super(text.en);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.text = text;
    this.hint = hint;
    this.body = body;
  }
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
export type Query = Record<string, string | number | boolean | undefined>;
export interface AskOptions {
  query?: Query;
  body?: unknown;
  signal?: AbortSignal;
  /** The revision that was seen: a change made meanwhile is refused. */
  revision?: number;
  /** The same deed is done once, however often it is sent. */
  once?: string;
}

let csrf: string | undefined;
export const setCsrf = (value: string | undefined): void => { csrf = value; };

const watchers = new Set<() => void>();
/** Called when the server says that nobody is logged on any more. */
export function onLoggedOut(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => { watchers.delete(watcher); };
}

function addressOf(path: string, query: Query = {}): string {
  const said = Object.entries(query).filter((entry): entry is [string, string | number | boolean] => entry[1] !== undefined && entry[1] !== '');
  return `/api/v1${path}${said.length > 0 ? `?${new URLSearchParams(said.map(([name, value]) => [name, String(value)])).toString()}` : ''}`;
}

const unreachable: Text = { zh: '连不上服务器', en: 'the server cannot be reached' };

/** @throws ApiError */
export async function ask<T>(method: Method, path: string, { query, body, signal, revision, once }: AskOptions = {}): Promise<T> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (method !== 'GET' && csrf !== undefined) headers['x-moat-csrf'] = csrf;
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (revision !== undefined) headers['if-match'] = `"${revision}"`;
  if (once !== undefined) headers['idempotency-key'] = once;
  let response: Response;
  try {
    response = await fetch(addressOf(path, query), { method, headers, credentials: 'same-origin', ...(body !== undefined && { body: JSON.stringify(body) }), ...(signal && { signal }) });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new ApiError(0, 'unreachable', unreachable);
  }
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  const said: unknown = isJson ? await response.json() : undefined;
  if (response.ok) return said as T;
  const { code = 'fault', detail = response.statusText, detail_zh = detail, hint } = (said ?? {}) as { code?: string; detail?: string; detail_zh?: string; hint?: string };
  if (code === 'not-logged-in') for (const watcher of watchers) watcher();
  throw new ApiError(response.status, code, { en: detail, zh: detail_zh }, hint, (said ?? {}) as Record<string, unknown>);
}
