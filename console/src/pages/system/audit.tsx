/** Who did what: the chain of entries, its proof, and the way out of here as a file. */
import { AutoComplete, Button, Drawer, Input, Select, type TableColumnsType } from 'antd';
import { useEffect, useMemo, useRef, useState } from 'react';
import type { AuditEntry, AuditVerdict } from '../../../../src/api/contract/system.ts';
import { useDo, useGet, useList } from '../../api/hooks.ts';
import type { Page } from '../../api/types.ts';
import { useFilters } from '../../parts/address.ts';
import { Copy } from '../../parts/copy.tsx';
import { Icon } from '../../parts/icon.tsx';
import { Inert } from '../../parts/inert.tsx';
import { keep, kept } from '../../parts/kept.ts';
import { Card } from '../../parts/page.tsx';
import { Rows } from '../../parts/rows.tsx';
import { Empty, Failure, Notice } from '../../parts/states.tsx';
import { Field } from '../../parts/sure.tsx';
import { Time } from '../../parts/time.tsx';
import { toast, useDeed } from '../../parts/toast.tsx';
import { common } from '../../text/common.ts';
import { useLang, useTexts } from '../../text/lang.ts';
import { exportAudit, exportMost } from './audit-export.ts';
import { Facts } from './fields.tsx';
import { spanOf, spans, whoOf } from './said.ts';
import { isOperation, operationWords, words } from './words.ts';

const headForm = /^[0-9a-f]{64}$/;

/** Plain words where there are some; what is rare stands as the log has it. */
function Operation({ of }: { of: string }) {
  const t = useTexts(operationWords);
  return isOperation(of) ? <span title={of}>{t(of)}</span> : <Inert>{of}</Inert>;
}

function WhoText({ by }: { by: string }) {
  const t = useTexts(words);
  const { kind, name } = whoOf(by);
  return kind === 'automatic' ? <span>{t('moatItself')} <span className="m-faint"><Inert>{name}</Inert></span></span> : <span><Inert>{name}</Inert>{kind !== 'account' && <span className="m-faint"> · {t(`who_${kind}`)}</span>}</span>;
}

export function Audit() {
  const t = useTexts(words);
  const c = useTexts(common);
  const op = useTexts(operationWords);
  const { filters, set, clear, isAny } = useFilters(['by', 'operation', 'target', 'time']);
  const { time, ...equal } = filters;
  const span = spanOf(time);
  // Fixed once chosen, so that the pages of a list belong together.
  const from = useMemo(() => (span === undefined ? undefined : Date.now() - spans[span]), [span]);
  const query = { ...equal, ...(from !== undefined && { from }) };
  const list = useList<AuditEntry>('/audit', query, { pageSize: 100 });
  const newest = useGet<Page<AuditEntry>>('/audit', { ...query, limit: 1 }, { live: ['action', 'request', 'incident', 'alert', 'account', 'token'], everyMs: 20_000 });
  const [opened, setOpened] = useState<AuditEntry>();
  const seen = list.items[0]?.seq ?? 0;
  const fresh = Math.max(0, (newest.data?.items[0]?.seq ?? 0) - seen);
  const operations = useMemo(() => [...new Set(list.items.map(({ operation }) => operation))].toSorted(), [list.items]);
  const columns: TableColumnsType<AuditEntry> = [
    { key: 'time', title: t('when'), width: 150, responsive: ['md'], render: (_cell, one) => <Time at={one.time} style="clock" /> },
    { key: 'who', title: t('who'), width: 190, responsive: ['md'], render: (_cell, { by }) => <WhoText by={by} /> },
    { key: 'what', title: t('did'), render: (_cell, one) => <span className="sy-cell"><b><Operation of={one.operation} /></b><span className="m-quiet m-cut"><Inert most={160}>{one.target}</Inert></span><span className="sy-phone m-quiet"><WhoText by={one.by} /> · <Time at={one.time} /></span></span> },
    { key: 'result', title: t('result'), width: 240, responsive: ['lg'], render: (_cell, one) => <span className="m-quiet"><Inert most={120}>{one.result}</Inert></span> },
  ];
  return (
    <>
      <Verify />
      <section className="m-card" aria-label={t('audit')}>
        <div className="m-pad m-row sy-head">
          <Input allowClear className="sy-filter" aria-label={t('filterWho')} placeholder={t('filterWho')} key={`by ${filters.by ?? ''}`} defaultValue={filters.by ?? ''} onPressEnter={({ currentTarget }) => { set({ by: currentTarget.value.trim() }); }} onBlur={({ currentTarget }) => { set({ by: currentTarget.value.trim() }); }} onClear={() => { set({ by: undefined }); }} />
          <AutoComplete allowClear defaultActiveFirstOption={false} className="sy-filter" aria-label={t('filterWhat')} placeholder={t('filterWhat')} key={`op ${filters.operation ?? ''}`} defaultValue={filters.operation ?? ''} options={operations.map((value) => ({ value, label: isOperation(value) ? op(value) : value }))} onKeyDown={({ key, target }) => { if (key === 'Enter' && target instanceof HTMLInputElement) set({ operation: target.value.trim() }); }} onSelect={(value: string) => { set({ operation: value }); }} onClear={() => { set({ operation: undefined }); }} onBlur={({ target }) => { if (target instanceof HTMLInputElement) set({ operation: target.value.trim() }); }} />
          <Input allowClear className="sy-filter" aria-label={t('filterTarget')} placeholder={t('filterTarget')} key={`target ${filters.target ?? ''}`} defaultValue={filters.target ?? ''} onPressEnter={({ currentTarget }) => { set({ target: currentTarget.value.trim() }); }} onBlur={({ currentTarget }) => { set({ target: currentTarget.value.trim() }); }} onClear={() => { set({ target: undefined }); }} />
          <Select className="sy-filter" aria-label={t('filterTime')} value={span ?? 'all'} options={[{ value: 'all', label: t('anyTime') }, ...(Object.keys(spans) as (keyof typeof spans)[]).map((value) => ({ value, label: t(`last_${value}`) }))]} onChange={(value) => { set({ time: value === 'all' ? undefined : value }); }} />
          {isAny && <Button type="link" onClick={clear}>{c('clear')}</Button>}
          <span className="m-grow" />
          {fresh > 0 && <Button icon={<Icon name="refresh" size={16} />} onClick={() => { void list.query.refetch(); }}>{t('newer', { count: fresh })}</Button>}
          <Export query={query} />
        </div>
        <Rows list={list} columns={columns} rowKey={({ seq }) => String(seq)} label={t('audit')} width={720} around={430} {...(opened && { chosen: String(opened.seq) })} onOpen={setOpened} empty={<Empty icon="rules" title={t(isAny ? 'noneFiltered' : 'auditNone')} />} />
      </section>
      <Drawer open={opened !== undefined} size={620} title={t('entry', { n: opened?.seq ?? 0 })} onClose={() => { setOpened(undefined); }}>
        {opened && <Entry entry={opened} onFilter={(changed) => { setOpened(undefined); set(changed, { push: true }); }} />}
      </Drawer>
    </>
  );
}

function Entry({ entry, onFilter }: { entry: AuditEntry; onFilter: (changed: { by?: string; operation?: string; target?: string }) => void }) {
  const t = useTexts(words);
  const more = (changed: Parameters<typeof onFilter>[0]) => <Button size="small" type="link" onClick={() => { onFilter(changed); }}>{t('onlyThis')}</Button>;
  return (
    <div className="m-stack">
      <h2 className="sy-name"><Operation of={entry.operation} /></h2>
      <Facts items={[
        [t('when'), <Time key="time" at={entry.time} style="clock" />], [t('who'), <span key="by" className="m-row"><WhoText by={entry.by} />{more({ by: entry.by })}</span>], [t('via'), <Inert key="via">{entry.via}</Inert>],
        [t('operation'), <span key="op" className="m-row"><Inert code>{entry.operation}</Inert>{more({ operation: entry.operation })}</span>],
        [t('target'), entry.target !== '' && <span key="target"><Inert block>{entry.target}</Inert>{more({ target: entry.target })}</span>],
        [t('why'), entry.why !== '' && <Inert key="why">{entry.why}</Inert>], [t('result'), <Inert key="result">{entry.result}</Inert>],
        [t('hash'), <span key="hash" className="m-row"><span className="sy-hash"><Inert code>{entry.hash}</Inert></span><Copy text={entry.hash} /></span>],
      ]} />
      <p className="m-quiet">{t('hashHow')}</p>
    </div>
  );
}

function Export({ query }: { query: Record<string, string | number> }) {
  const t = useTexts(words);
  const deed = useDeed();
  const [count, setCount] = useState<number>();
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => { running.current?.abort(); }, []);
  const run = async (format: 'csv' | 'jsonl'): Promise<void> => {
    const control = new AbortController();
    running.current = control;
    setCount(0);
    try {
      const { count: saved, isCut } = await exportAudit(query, format, setCount, control.signal);
      toast(isCut ? t('exportCut', { n: exportMost }) : t('exported', { count: saved }));
    } catch (error) {
      // Whoever stops it needs no word of it.
      if (!control.signal.aborted) await deed(() => Promise.reject(error), '');
    }
    setCount(undefined);
  };
  if (count !== undefined) return <Button loading onClick={() => { running.current?.abort(); }}>{t('exporting', { n: count })}</Button>;
  return <span className="m-row"><Button icon={<Icon name="download" size={16} />} onClick={() => { void run('csv'); }}>CSV</Button><Button icon={<Icon name="download" size={16} />} title={t('jsonlHow')} onClick={() => { void run('jsonl'); }}>JSON</Button></span>;
}

/** The proof that nobody changed what was written; against a head that is kept elsewhere it also shows a chain that was written anew. */
function Verify() {
  const t = useTexts(words);
  const lang = useLang();
  const pinned = kept('audit-head');
  const [head, setHead] = useState(pinned ?? '');
  const [isPinned, setPinned] = useState(pinned !== undefined);
  const check = useDo<string, AuditVerdict>((given) => ({ method: 'POST', path: '/audit/verify', body: given === '' ? {} : { head: given } }));
  const wanted = head.trim().toLowerCase();
  const isOdd = wanted !== '' && !headForm.test(wanted);
  const verdict = check.data;
  const isWhole = verdict?.faults.length === 0;
  const pin = (): void => { if (!verdict) return; keep('audit-head', verdict.head); setHead(verdict.head); setPinned(true); toast(t('pinned')); };
  return (
    <Card title={t('verifyTitle')} extra={<Button type="primary" loading={check.isPending} disabled={isOdd} onClick={() => { check.mutate(wanted); }}>{t('verify')}</Button>}>
      <p className="sy-how">{t('verifyHow')}</p>
      <details className="sy-more" open={isPinned || undefined}><summary>{t('headKept')}</summary>
        <Field label={t('head')} hint={isOdd ? t('headBad') : isPinned ? t('headPinned') : t('headHow')}><Input className="m-mono" value={head} maxLength={80} status={isOdd ? 'error' : ''} allowClear onChange={({ target }) => { setHead(target.value); if (target.value === '') { keep('audit-head', undefined); setPinned(false); } }} /></Field>
      </details>
      {check.error && <Failure error={check.error} compact />}
      {verdict && <div className="sy-verdict"><Notice bar icon={isWhole ? 'check' : 'warn'} tone={isWhole ? 'good' : 'bad'} title={isWhole ? t(wanted === '' ? 'whole' : 'wholeAndHead', { count: verdict.entries, n: verdict.entries.toLocaleString(lang) }) : t('broken')} action={isWhole && wanted !== verdict.head ? <Button onClick={pin}>{t('pin')}</Button> : undefined}>
        {isWhole ? <>{t('headNow')} <span className="sy-hash"><Inert code>{verdict.head}</Inert></span> <Copy text={verdict.head} /></> : <ul>{verdict.faults.map((one, at) => <li key={at}>{t(`fault_${one.what}`, { n: one.seq })}</li>)}</ul>}
      </Notice></div>}
    </Card>
  );
}
