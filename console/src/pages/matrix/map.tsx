/** A matrix drawn: columns of cells, each with its words; or as a table. Arrow keys move within the map. */
import { Table as AntdTable } from 'antd';
import type { KeyboardEvent } from 'react';
import { Time } from '../../parts/time.tsx';
import { Inert } from '../../parts/inert.tsx';
import { useSay, useTexts } from '../../text/lang.ts';
import { type Cell, type Column, heat, phone } from './shape.ts';
import { words } from './words.ts';

interface Shown { columns: readonly Column[]; nameOf: (column: Column) => string; onOpen: (cell: string) => void }

export function Legend() {
  const t = useTexts(words);
  return (
    <ul className="mx-legend" aria-label={t('legend')}>
      {([0, 1, 2, 3] as const).map((step) => <li key={step}><span className={`mx-swatch mx-heat-${step}`} aria-hidden="true" />{t(`legend${step}`)}</li>)}
      <li><span className="mx-swatch mx-swatch-seen" aria-hidden="true" />{t('legendSeen')}</li>
    </ul>
  );
}

const steps: Readonly<Record<string, readonly [column: number, row: number]>> = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

/** To the neighbour of the cell that has the focus. */
function move(event: KeyboardEvent<HTMLElement>): void {
  const step = steps[event.key];
  const from = event.target instanceof HTMLElement ? event.target.closest<HTMLElement>('[data-at]') : null;
  const [column, row] = from?.dataset['at']?.split(' ').map(Number) ?? [];
  if (!step || column === undefined || row === undefined) return;
  const cells = [...event.currentTarget.querySelectorAll<HTMLElement>(`[data-at^="${column + step[0]} "]`)];
  const next = cells[Math.min(row + step[1], cells.length - 1)];
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.scrollIntoView({ block: 'nearest', inline: 'nearest' });
}

export function HeatMap({ columns, nameOf, chosen, isTall, onOpen }: Shown & { chosen: string; isTall: boolean }) {
  return (
    // The cells inside take the focus; the box only hears their keys.
    <div className={`mx-map${isTall ? ' mx-map-tall' : ''}`} role="presentation" onKeyDown={move}>
      {columns.map((column, x) => (
        <section key={column.id} className="mx-column" aria-label={nameOf(column)}>
          <h2 className="mx-stage">{nameOf(column)}</h2>
          <ul>{column.cells.map((cell, y) => <li key={cell.id}><CellButton cell={cell} isChosen={chosen === cell.id} at={`${x} ${y}`} onOpen={onOpen} /></li>)}</ul>
        </section>
      ))}
    </div>
  );
}

function CellButton({ cell, isChosen, at, onOpen }: { cell: Cell; isChosen: boolean; at: string; onOpen: (cell: string) => void }) {
  const t = useTexts(words);
  const say = useSay();
  return (
    <button type="button" data-at={at} className={`mx-cell mx-heat-${heat(cell)}${isChosen ? ' mx-chosen' : ''}`} aria-haspopup="dialog" onClick={() => { onOpen(cell.id); }}>
      <span className="mx-name"><Inert>{say(cell.name)}</Inert></span>
      {cell.number !== undefined && <span className="mx-number">{cell.number}</span>}
      <span className="mx-foot"><span>{cell.covered === 0 ? t('uncovered') : t('covers', { count: cell.covered })}</span>{cell.seen > 0 && <span className="mx-seen">{t('seen', { count: cell.seen })}</span>}</span>
    </button>
  );
}

interface Row { key: string; stage: string; cell: Cell }
export function Table({ columns, nameOf, onOpen }: Shown) {
  const t = useTexts(words);
  const say = useSay();
  const isPhone = innerWidth < phone;
  const rows: Row[] = columns.flatMap((column) => column.cells.map((cell) => ({ key: `${column.id} ${cell.id}`, stage: nameOf(column), cell })));
  return (
    <AntdTable<Row>
      className="mx-table" aria-label={t('table')} size="middle" pagination={{ pageSize: 50, hideOnSinglePage: true, showSizeChanger: false }} dataSource={rows} rowKey="key"
      columns={[
        { title: t('stage'), dataIndex: 'stage', width: 150, responsive: ['md'] },
        { title: t('what'), render: (_, { cell, stage }) => <><button type="button" className="m-link mx-what" onClick={() => { onOpen(cell.id); }}><Inert>{say(cell.name)}</Inert></button>{cell.number !== undefined && <span className="m-faint"> {cell.number}</span>}<span className="m-quiet mx-phone">{stage}</span></> },
        { title: t('coveredBy'), width: isPhone ? 104 : 140, ...(!isPhone && { sorter: (a: Row, b: Row) => a.cell.covered - b.cell.covered }), render: (_, { cell }) => (cell.covered === 0 ? <b>{t('uncovered')}</b> : t('covers', { count: cell.covered })) },
        { title: t('seenHere'), width: isPhone ? 94 : 130, ...(!isPhone && { sorter: (a: Row, b: Row) => a.cell.seen - b.cell.seen }), render: (_, { cell }) => (cell.seen === 0 ? <span className="m-faint">{t('notSeen')}</span> : <b>{t('seen', { count: cell.seen })}</b>) },
        { title: t('last'), width: 130, responsive: ['md'], render: (_, { cell }) => (cell.last === 0 ? <span className="m-faint">{t('never')}</span> : <Time at={cell.last} />) },
      ]}
    />
  );
}
