/** What is blocked: searched, added to, lifted. */
import { Button, Input, Select, type TableColumnsType } from 'antd';
import { useState } from 'react';
import type { Block } from '../../../../src/api/contract/response.ts';
import { useList } from '../../api/hooks.ts';
import { useMay } from '../../api/session.tsx';
import { useChanges } from '../../api/stream.ts';
import { useFilters } from '../../parts/address.ts';
import { Icon } from '../../parts/icon.tsx';
import { Inert } from '../../parts/inert.tsx';
import { Rows } from '../../parts/rows.tsx';
import { Empty } from '../../parts/states.tsx';
import { Field, Sure } from '../../parts/sure.tsx';
import { Time } from '../../parts/time.tsx';
import { useDeed } from '../../parts/toast.tsx';
import { useTexts } from '../../text/lang.ts';
import { useAct, useSpan } from './said.ts';
import { words } from './words.ts';

const hour = 3_600_000, day = 24 * hour;

export function Blocks() {
  const t = useTexts(words);
  const mayAct = useMay('act');
  const { filters, set } = useFilters(['text']);
  const list = useList<Block>('/blocks', filters, { pageSize: 200 });
  useChanges(['action'], () => { void list.query.refetch(); });
  const [asking, setAsking] = useState<'block' | Block>();
  const close = (): void => { setAsking(undefined); };
  const columns: TableColumnsType<Block> = [
    { title: t('address'), render: (_, row) => <div className="mp-cell"><b><Inert code>{row.network}</Inert></b><span className="m-quiet mp-phone"><Inert most={120}>{row.why}</Inert></span>{(row.times > 1 || row.list !== undefined) && <span className="m-faint">{row.times > 1 && t('times', { n: row.times })}{row.times > 1 && row.list !== undefined && ' · '}{row.list !== undefined && <Inert>{t('list', { name: row.list })}</Inert>}</span>}</div> },
    { title: t('reason'), responsive: ['md'], render: (_, row) => <Inert most={200}>{row.why}</Inert> },
    { title: t('by'), width: 150, ellipsis: { showTitle: false }, responsive: ['lg'], render: (_, row) => <Inert>{row.by}</Inert> },
    { title: t('since'), width: 120, responsive: ['lg'], render: (_, row) => <Time at={row.since} /> },
    { title: t('until'), width: 110, render: (_, row) => (row.until === undefined ? t('forGood') : <Time at={row.until} />) },
    { title: t('stopped'), width: 120, align: 'right', responsive: ['md'], render: (_, row) => (row.packets === undefined ? <span className="m-faint">–</span> : <span title={t('packetsOf')}>{t('packets', { count: row.packets })}</span>) },
    ...(mayAct ? [{ title: <span className="m-hidden">{t('unblock')}</span>, width: 96, align: 'right' as const, render: (_: unknown, row: Block) => <Button size="small" onClick={() => { setAsking(row); }}>{t('unblock')}</Button> }] : []),
  ];
  const search = (value: string): void => { set({ text: value.trim() }); };
  return (
    <section className="m-card" aria-label={t('blocks')}>
      <div className="m-row m-pad mp-head">
        <Input className="mp-search" allowClear data-search prefix={<Icon name="search" size={16} />} key={`text ${filters.text === undefined}`} defaultValue={filters.text} placeholder={t('searchBlocks')} aria-label={t('searchBlocks')} maxLength={100} onPressEnter={({ currentTarget }) => { search(currentTarget.value); }} onBlur={({ currentTarget }) => { search(currentTarget.value); }} onClear={() => { set({ text: undefined }); }} />
        <span className="m-grow" />
        {mayAct && <Button type="primary" icon={<Icon name="plus" size={16} />} onClick={() => { setAsking('block'); }}>{t('block')}</Button>}
      </div>
      <Rows list={list} columns={columns} rowKey={(row) => row.network} label={t('blocks')} around={430} width={760} empty={filters.text === undefined ? <Empty icon="protection" title={t('blocksNone')}>{t('blocksNoneHow')}</Empty> : <Empty icon="search" title={t('noneFiltered')}>{t('noneFilteredHow')}</Empty>} />
      {asking === 'block' && <BlockOne close={close} />}
      {asking !== undefined && asking !== 'block' && <Unblock block={asking} close={close} />}
    </section>
  );
}

function BlockOne({ close }: { close: () => void }) {
  const t = useTexts(words);
  const span = useSpan();
  const act = useAct();
  const deed = useDeed();
  const [address, setAddress] = useState('');
  const [forMs, setFor] = useState(day);
  const wanted = address.trim();
  return (
    <Sure title={t('block')} ok={t('blockOk')} isDanger isMissing={wanted === ''} close={close} done={t('blocked', { address: wanted })}
      act={(why) => act.mutateAsync({ method: 'POST', path: '/blocks', body: { address: wanted, why, ...(forMs > 0 && { for_ms: forMs }) } })}
      undo={() => { void deed(() => act.mutateAsync({ method: 'DELETE', path: '/blocks', body: { address: wanted } }), t('unblocked', { address: wanted })); }}>
      <p>{t('blockHow')}</p>
      <Field label={t('address')} hint={t('addressBad')}><Input autoFocus value={address} maxLength={100} onChange={({ target }) => { setAddress(target.value); }} /></Field>
      <Field label={t('for')}><Select aria-label={t('for')} value={forMs} options={[...[hour, day, 7 * day, 30 * day].map((value) => ({ value, label: span(value) })), { value: 0, label: t('forGood') }]} onChange={setFor} /></Field>
    </Sure>
  );
}

function Unblock({ block: { network, why, until }, close }: { block: Block; close: () => void }) {
  const t = useTexts(words);
  const act = useAct();
  const deed = useDeed();
  const again = (): void => {
    const left = until === undefined ? undefined : Math.max(60_000, until - Date.now());
    void deed(() => act.mutateAsync({ method: 'POST', path: '/blocks', body: { address: network, why: why === '' ? t('modeUndo') : why.slice(0, 1000), ...(left !== undefined && { for_ms: left }) } }), t('blocked', { address: network }));
  };
  return (
    <Sure title={<Inert>{t('unblockTitle', { address: network })}</Inert>} ok={t('unblock')} why="may" close={close} done={t('unblocked', { address: network })} undo={again} act={(reason) => act.mutateAsync({ method: 'DELETE', path: '/blocks', body: { address: network, why: reason } })}>
      <p>{t('unblockHow')}</p>{why !== '' && <p className="m-quiet">{t('reason')}: <Inert most={300}>{why}</Inert></p>}
    </Sure>
  );
}
