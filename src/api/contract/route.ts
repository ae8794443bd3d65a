/** One operation of the API: what it takes, what it answers and who may ask for it. Routes, permissions, validation and OpenAPI all come from these. */
import type * as z from 'zod';
import type { Permission, Role, Scope } from '../../core/account.ts';
import type { Text } from '../../core/text.ts';

/** anyone: without a log-on. person: whoever is logged in (not a token). */
export type Access = Permission | 'anyone' | 'person';

/** Who asks. `by` is what the audit log says. */
export interface Actor { account: string; name: string; role: Role; may: ReadonlySet<Permission>; /** What it may for good, without rights for a while: all that it hands on. */ grants: ReadonlySet<Permission>; /** Hosts that it is for must lie in each of these. */ scopes: readonly Scope[]; /** Digest of the session; undefined for a token. */ session: string | undefined; by: string; /** Rights for a while end then, Unix ms. */ elevated?: number; /** The scope that leaves this machine out. */ outside?: Scope }

export interface Call<P, Q, B> {
  params: P;
  query: Q;
  body: B;
  /** Undefined only where anyone may ask. */
  actor: Actor | undefined;
  address: string;
  agent: string;
  /** The revision that the caller saw (If-Match). */
  revision: number | undefined;
  /** The connection that it came by; none over loopback, which nothing here cuts. */
  connection: { address: string; remote_port: number; port: number } | undefined;
}

/** A file as it is, in place of an answer. `tag` is another when the content is: what was cut off goes on only where it is the same. */
export interface Download { name: string; bytes: number; tag: string; read(from: number): AsyncIterable<Uint8Array> }

/** What goes back: the answer, and cookies or a status that differ from the ordinary. */
export interface Reply { body: unknown; status?: number; session?: { secret: string; expires: number } | 'end'; download?: Download }

export interface Route<World = unknown> {
  id: string;
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below /api/v1; `:name` for a part of it. */
  path: string;
  access: Access;
  title: Text;
  params?: z.ZodType;
  query?: z.ZodType;
  body?: z.ZodType;
  answer: z.ZodType;
  /** It may need If-Match: the thing has revisions. */
  hasRevision?: boolean;
  /** It answers with a file. */
  isDownload?: boolean;
  /** What it does is watched over the connection that it was asked by, so that something must pass there meanwhile. */
  keepsTalking?: boolean;
  run(call: Call<never, never, never>, world: World): Promise<Reply> | Reply;
}

type Output<T> = T extends z.ZodType ? z.output<T> : undefined;

/** Ties the types of what is validated to what `run` is given. */
export function route<World, P extends z.ZodType | undefined = undefined, Q extends z.ZodType | undefined = undefined, B extends z.ZodType | undefined = undefined>(
  spec: Omit<Route<World>, 'run' | 'params' | 'query' | 'body'> & { params?: P; query?: Q; body?: B; run(call: Call<Output<P>, Output<Q>, Output<B>>, world: World): Promise<Reply> | Reply },
): Route<World> {
  return spec;
}
