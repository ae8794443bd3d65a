/** What was done, newest first, and the way back. */
import { Button, Drawer, Select, type TableColumnsType } from 'antd';
import { useState } from 'react';
import { useLocation, useNavigate } from 'react-router';
import type { Receipt } from '../../../../src/api/contract/response.ts';
import { useGet, useList } from '../../api/hooks.ts';
import { useMay } from '../../api/session.tsx';
import { useChanges } from '../../api/stream.ts';
import { useFilters } from '../../parts/address.ts';
import { Inert } from '../../parts/inert.tsx';
import { RiskLine, Steps } from '../../parts/planned.tsx';
import { Rows } from '../../parts/rows.tsx';
import { Empty, Shown } from '../../parts/states.tsx';
import { Sure } from '../../parts/sure.tsx';
import { Time } from '../../parts/time.tsx';
import { useDeed } from '../../parts/toast.tsx';
import { common } from '../../text/common.ts';
import { useSay, useTexts } from '../../text/lang.ts';
import { useAct } from './said.ts';
import { words } from './words.ts';

const statuses = ['applied', 'applying', 'failed', 'stuck', 'undoing', 'undone'] as const;
/** What could lock people out goes back by itself unless somebody says that it may stay. */
const waits = ({ action, status, until }: Receipt): boolean => action === 'change-setting' && status === 'applied' && until !== undefined;
const mayGoBack = ({ reversible, status }: Receipt): boolean => reversible && (status === 'applied' || status === 'stuck');

function Standing({ status }: { status: Receipt['status'] }) {
  const t = useTexts(words);
  return <span className={`mp-state mp-state-${status}`}>{t(`status_${status}`)}</span>;
}

export function Receipts({ id }: { id: string }) {
  const t = useTexts(words);
  const say = useSay();
  const go = useNavigate();
  const { search } = useLocation();
  const mayAct = useMay('act');
  const { filters, set } = useFilters(['status', 'target', 'action']);
  const list = useList<Receipt>('/receipts', filters);
  useChanges(['action'], () => { void list.query.refetch(); });
  const [undoing, setUndoing] = useState<Receipt>();
  const columns: TableColumnsType<Receipt> = [
    { title: t('what'), render: (_, row) => <div className="mp-cell"><b><Inert most={200}>{say(row.title)}</Inert></b><span className="m-quiet"><Inert most={200}>{row.why}</Inert></span></div> },
    { title: t('status'), width: 120, render: (_, row) => <Standing status={row.status} /> },
    { title: t('by'), width: 150, ellipsis: { showTitle: false }, responsive: ['lg'], render: (_, row) => <Inert>{row.by}</Inert> },
    { title: t('when'), width: 110, responsive: ['md'], render: (_, row) => <Time at={row.created} /> },
    { title: t('until'), width: 110, responsive: ['lg'], render: (_, row) => (row.until === undefined || row.status !== 'applied' ? <span className="m-faint">–</span> : <Time at={row.until} />) },
    ...(mayAct ? [{ title: <span className="m-hidden">{t('undo')}</span>, width: 84, align: 'right' as const, responsive: ['md' as const], render: (_: unknown, row: Receipt) => mayGoBack(row) && <Button size="small" onClick={(event) => { event.stopPropagation(); setUndoing(row); }}>{t('undo')}</Button> }] : []),
  ];
  const isAny = Object.keys(filters).length > 0;
  return (
    <section className="m-card" aria-label={t('receipts')}>
      <div className="m-row m-pad mp-head"><Select aria-label={t('status')} className="mp-select" allowClear placeholder={t('status')} value={filters.status ?? null} options={statuses.map((value) => ({ value, label: t(`status_${value}`) }))} onChange={(value: string | undefined) => { set({ status: value }); }} /></div>
      <Rows list={list} columns={columns} rowKey={(row) => row.id} label={t('receipts')} around={430} width={760} chosen={id} onOpen={(row) => { void go({ pathname: `/protection/receipts/${encodeURIComponent(row.id)}`, search }); }} empty={isAny ? <Empty icon="search" title={t('noneFiltered')}>{t('noneFilteredHow')}</Empty> : <Empty title={t('receiptsNone')}>{t('receiptsNoneHow')}</Empty>} />
      {id !== '' && <ReceiptDrawer id={id} mayAct={mayAct} undo={setUndoing} close={() => { void go({ pathname: '/protection/receipts', search }); }} />}
      {undoing && <Undo receipt={undoing} close={() => { setUndoing(undefined); }} />}
    </section>
  );
}

function ReceiptDrawer({ id, mayAct, undo, close }: { id: string; mayAct: boolean; undo: (receipt: Receipt) => void; close: () => void }) {
  const t = useTexts(words);
  const say = useSay();
  const act = useAct<Receipt>();
  const deed = useDeed();
  const found = useGet<Receipt>(`/receipts/${encodeURIComponent(id)}`, {}, { live: ['action'] });
  return (
    <Drawer open size={620} title={t('receipts')} onClose={close}>
      <Shown of={found}>{(receipt) => (
        <div className="m-stack">
          <div className="m-row"><h2 className="mp-h2 m-grow"><Inert most={400}>{say(receipt.title)}</Inert></h2><Standing status={receipt.status} /></div>
          <RiskLine risk={receipt.risk} reversible={receipt.reversible} />
          {mayAct && mayGoBack(receipt) && <div className="m-row">{waits(receipt) && <Button type="primary" onClick={() => { void deed(() => act.mutateAsync({ method: 'POST', path: `/receipts/${encodeURIComponent(receipt.id)}/confirm`, body: {} }), t('confirmed')); }}>{t('confirm')}</Button>}<Button onClick={() => { undo(receipt); }}>{t('undo')}</Button></div>}
          {waits(receipt) && <p>{t('confirmHow')} <Time at={receipt.until} style="clock" /></p>}
          <dl className="mp-facts">
            <dt>{t('target')}</dt><dd><Inert code>{receipt.target}</Inert></dd>
            <dt>{t('reason')}</dt><dd><Inert>{receipt.why}</Inert></dd>
            <dt>{t('by')}</dt><dd><Inert>{receipt.by}</Inert></dd>
            <dt>{t('when')}</dt><dd><Time at={receipt.created} style="clock" /></dd>
            {receipt.until !== undefined && <><dt>{t('until')}</dt><dd><Time at={receipt.until} style="clock" /></dd></>}
            <dt>{t('id')}</dt><dd><Inert code>{receipt.id}</Inert></dd>
          </dl>
          {receipt.error !== undefined && <div><h3 className="mp-h3">{t('error')}</h3><Inert block>{receipt.error}</Inert></div>}
          <div><h3 className="mp-h3">{t('steps')}</h3><Steps steps={receipt.steps} /></div>
          {receipt.verdict && <div><h3 className="mp-h3">{t('verdict')}</h3><p><Inert>{say(receipt.verdict.evidence)}</Inert></p></div>}
          <div><h3 className="mp-h3">{t('history')}</h3><ol className="mp-history">{receipt.history.map((one, at) => <li key={at}><Time at={one.time} style="clock" /><span><b>{t(`status_${one.status}`)}</b> <span className="m-quiet"><Inert>{one.by}</Inert>{one.note !== undefined && <> · <Inert>{one.note}</Inert></>}</span></span></li>)}</ol></div>
        </div>
      )}</Shown>
    </Drawer>
  );
}

function Undo({ receipt, close }: { receipt: Receipt; close: () => void }) {
  const t = useTexts(words);
  const c = useTexts(common);
  const say = useSay();
  const act = useAct<Receipt>();
  return (
    <Sure title={t('undoTitle')} ok={c('undo')} why="may" close={close} done={t('undone')} act={(why) => act.mutateAsync({ method: 'POST', path: `/receipts/${encodeURIComponent(receipt.id)}/undo`, body: { why } })}>
      <p>{t('undoHow')}</p><p><b><Inert>{say(receipt.title)}</Inert></b></p><Steps steps={receipt.steps} />
    </Sure>
  );
}
