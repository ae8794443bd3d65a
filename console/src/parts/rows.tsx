/** A long list: only the rows that are seen are drawn, the next page comes before the end is reached. Up and down move, Enter opens. */
import type { UseQueryResult } from '@tanstack/react-query';
import { Table, type TableColumnsType } from 'antd';
import { type KeyboardEvent, useEffect, useRef, useState } from 'react';
import type { ApiError } from '../api/client.ts';
import { type List, useAskAgain } from '../api/hooks.ts';
import { common } from '../text/common.ts';
import { useTexts } from '../text/lang.ts';
import { Failure, Loading } from './states.tsx';
import './rows.css';

interface RowsProps<T> {
  list: List<T>;
  columns: TableColumnsType<T>;
  rowKey: (row: T) => string;
  /** What the table is, for who does not see it. */
  label: string;
  empty: React.ReactNode;
  onOpen?: (row: T) => void;
  chosen?: string;
  /** Pixels that everything else on the page takes. */
  around?: number;
  /** How wide the columns need it before the table scrolls sideways. */
  width?: number;
}

/** A list that came whole. */
export const wholeList = <T,>(query: UseQueryResult<unknown, ApiError>, items: readonly T[]): List<T> => ({ items, isComplete: true, more: () => undefined, query: query as unknown as List<T>['query'] });

/** Pixels; where antd's `md` begins. */
const phone = 768;

function Searching({ list: { more, query: { isFetching } } }: { list: Pick<List<object>, 'more' | 'query'> }) {
  useEffect(() => { if (!isFetching) more(); }, [isFetching, more]);
  return <Loading rows={8} />;
}

export function Rows<T extends object>({ list, columns, rowKey, label, empty, onOpen, chosen, around = 330, width = 900 }: RowsProps<T>) {
  const t = useTexts(common);
  const box = useRef<HTMLDivElement>(null);
  const again = useAskAgain();
  const [[height, room], setSize] = useState(() => [Math.max(280, innerHeight - around), innerWidth]);
  useEffect(() => {
    // On a phone the columns that remain share what there is; nothing scrolls sideways.
    const fit = (): void => { setSize([Math.max(280, innerHeight - around), box.current?.clientWidth ?? innerWidth]); };
    fit();
    addEventListener('resize', fit);
    return () => { removeEventListener('resize', fit); };
  }, [around, list.query.isPending]);
  if (list.query.isPending) return <Loading rows={8} />;
  if (list.query.error && list.items.length === 0) return <Failure error={list.query.error} retry={again} />;
  // A search goes through much that does not fit: it goes on until something does, or all was seen.
  if (list.items.length === 0) return list.isComplete ? empty : <Searching list={list} />;
  const move = (event: KeyboardEvent): void => {
    if (!onOpen || !(event.target instanceof HTMLElement)) return;
    const row = event.target.closest<HTMLElement>('[data-row-key]');
    if (!row) return;
    if (event.key === 'Enter' && event.target === row) {
      const found = list.items.find((one) => rowKey(one) === row.dataset['rowKey']);
      if (found) onOpen(found);
    } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      const next = event.key === 'ArrowDown' ? row.nextElementSibling : row.previousElementSibling;
      if (next instanceof HTMLElement) { event.preventDefault(); next.focus(); next.scrollIntoView({ block: 'nearest' }); }
    }
  };
  return (
    // The rows inside take the focus; the box only hears their keys.
    <div ref={box} className="m-rows" role="presentation" onKeyDown={move}>
      <Table<T>
        aria-label={label} virtual size="middle" pagination={false} columns={columns} dataSource={list.items} rowKey={rowKey} scroll={{ x: innerWidth < phone ? room : Math.max(width, room), y: height }}
        onScroll={({ currentTarget }) => { if (currentTarget instanceof HTMLElement && currentTarget.scrollHeight - currentTarget.scrollTop < 3 * height) list.more(); }}
        rowClassName={(row) => (rowKey(row) === chosen ? 'm-row-chosen' : '')}
        {...(onOpen && { onRow: (row: T) => ({ tabIndex: 0, onClick: () => { onOpen(row); } }) })}
      />
      <div className="m-rows-foot m-faint" aria-live="polite">
        {t('loaded', { count: list.items.length })}
        {list.isComplete ? ` · ${t('end')}` : <button type="button" className="m-link" onClick={list.more}>{list.query.isFetching ? t('loading') : t('more')}</button>}
      </div>
    </div>
  );
}
