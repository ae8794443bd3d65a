/** How pages ask: one thing, a list page by page, a deed. What is shown follows the stream when `live` names what it depends on. */
import { keepPreviousData, QueryClient, useInfiniteQuery, type UseInfiniteQueryResult, useMutation, type UseMutationResult, useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query';
import { useMemo } from 'react';
import { ApiError, ask, type AskOptions, type Method, type Query } from './client.ts';
import { type StreamKind, useChanges } from './stream.ts';
import type { Page } from './types.ts';

/** Only what may go away by itself is asked for again. */
const mayPass = (error: unknown): boolean => error instanceof ApiError && (error.status === 0 || error.status === 503 || error.status === 429);

export const newQueryClient = (): QueryClient => new QueryClient({
  defaultOptions: {
    queries: { staleTime: 10_000, gcTime: 120_000, refetchOnWindowFocus: true, retry: (count, error) => count < 3 && mayPass(error), retryDelay: (count) => Math.min(1000 * 2 ** count, 8000), refetchInterval: ({ state }) => (mayPass(state.error) ? 5000 : false) },
    mutations: { retry: false },
  },
});

interface GetOptions { live?: readonly StreamKind[]; enabled?: boolean; /** What was shown stays until the new answer comes: for filters. */ keep?: boolean; /** Asks again every so many ms; for what no stream tells of. */ everyMs?: number; /** Parts of the query that depend on the moment of asking. */ atOnce?: () => Query }

export function useGet<T>(path: string, query: Query = {}, { live = [], enabled = true, keep = false, everyMs, atOnce }: GetOptions = {}): UseQueryResult<T, ApiError> {
  const client = useQueryClient();
  const key = [path, query];
  useChanges(enabled ? live : [], () => { void client.invalidateQueries({ queryKey: key, exact: true }); });
  return useQuery<T, ApiError>({ queryKey: key, queryFn: ({ signal }) => ask<T>('GET', path, { query: { ...query, ...atOnce?.() }, signal }), enabled, ...(keep && { placeholderData: keepPreviousData }), ...(everyMs !== undefined && { refetchInterval: everyMs }) });
}

/** Asks anew for all that failed on the page: what made one part fail mostly made the others fail too. */
export function useAskAgain(): () => void {
  const client = useQueryClient();
  return () => { void client.refetchQueries({ type: 'active', predicate: ({ state }) => state.status === 'error' }); };
}

export interface List<T> { items: readonly T[]; isComplete: boolean; more: () => void; query: UseInfiniteQueryResult<unknown, ApiError> }

/** A list of any length: a page of it at first, further ones when they are wanted. Live lists say that there is something new by `useChanges` of the page itself: they must not move under the hand. */
export function useList<T>(path: string, query: Query = {}, { enabled = true, pageSize = 100 }: { enabled?: boolean; pageSize?: number } = {}): List<T> {
  const found = useInfiniteQuery({
    queryKey: [path, query, 'list'], enabled, initialPageParam: undefined as string | undefined, placeholderData: keepPreviousData,
    queryFn: ({ pageParam, signal }) => ask<Page<T>>('GET', path, { query: { ...query, limit: pageSize, ...(pageParam !== undefined && { cursor: pageParam }) }, signal }),
    getNextPageParam: (page: Page<T>) => page.next,
    // Asking for hundreds of pages anew because a window was clicked helps nobody.
    refetchOnWindowFocus: false,
  });
  const { data, hasNextPage, isFetching, fetchNextPage } = found;
  const items = useMemo(() => data?.pages.flatMap((page) => page.items) ?? [], [data]);
  return { items, isComplete: data !== undefined && !hasNextPage, more: () => { if (hasNextPage && !isFetching) void fetchNextPage(); }, query: found as UseInfiniteQueryResult<unknown, ApiError> };
}

/** A deed. `touches`: paths (and what begins with them) that are asked for anew afterwards. */
export function useDo<In, Out = unknown>(request: (input: In) => { method: Exclude<Method, 'GET'>; path: string } & AskOptions, touches: readonly string[] = []): UseMutationResult<Out, ApiError, In> {
  const client = useQueryClient();
  return useMutation<Out, ApiError, In>({
    mutationFn: (input) => {
      const { method, path, ...options } = request(input);
      return ask<Out>(method, path, options);
    },
    onSettled: () => { if (touches.length > 0) void client.invalidateQueries({ predicate: ({ queryKey: [path] }) => typeof path === 'string' && touches.some((one) => path === one || path.startsWith(`${one}/`)) }); },
  });
}
