/** Hunting: a question in SQL, its answer as a table or bars, kept and exported. */
import { Button, Checkbox, Input, Modal, Segmented, Table } from 'antd';
import { useState } from 'react';
import { Link } from 'react-router';
import type { HuntResult, HuntSchema, SavedQuery } from '../../../../src/api/contract/rules.ts';
import { ask } from '../../api/client.ts';
import { useDo, useGet } from '../../api/hooks.ts';
import { useMe } from '../../api/session.tsx';
import { useFilters } from '../../parts/address.ts';
import { toCsv } from '../../parts/csv.ts';
import { type Completion, Editor } from '../../parts/editor.tsx';
import { Icon } from '../../parts/icon.tsx';
import { inertString } from '../../parts/inert-text.ts';
import { Inert } from '../../parts/inert.tsx';
import { Card, Page as Frame } from '../../parts/page.tsx';
import { saveCsv } from '../../parts/save-file.ts';
import { Empty, Failure, Loading, Notice, Shown } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { toast, useDeed } from '../../parts/toast.tsx';
import { common } from '../../text/common.ts';
import { useSay, useTexts } from '../../text/lang.ts';
import { barsOf, complete, isTime, meaningOf } from './sql.ts';
import { words } from './words.ts';
import '../../parts/rows.css';
import './hunt.css';

const columnWidth = 190;
/** Columns whose value is a remote address. */
const addresses: ReadonlySet<string> = new Set(['source_ip', 'remote_ip', 'origin_ip']);
/** Of examples, which hold none of these words in a string. */
const inLines = (sql: string): string => sql.replaceAll(/ (?=(?:FROM|WHERE|GROUP BY|ORDER BY|LIMIT)\b)/g, '\n');

export function Page() {
  const t = useTexts(words);
  const say = useSay();
  const { filters, set } = useFilters(['sql', 'as']);
  // A question that came with the address waits until somebody asks it: it is written to the audit log under their name.
  const [sql, setSql] = useState(filters.sql ?? '');
  const [isSaving, setSaving] = useState(false);
  const schema = useGet<HuntSchema>('/hunt/schema');
  const hunt = useDo<string, HuntResult>((question) => ({ method: 'POST', path: '/hunt', body: { sql: question } }));
  const views = schema.data?.views ?? [];
  const run = (question = sql): void => {
    if (question.trim() === '' || hunt.isPending) return;
    set({ sql: question });
    hunt.mutate(question);
  };
  const offer = (text: string, caret: number, always?: boolean): Completion => {
    const found = complete(text, caret, views, always);
    return { ...found, means: found.items.map((item) => { const meaning = meaningOf(item, text, views); return meaning && say(meaning); }) };
  };
  const add = (name: string): void => { setSql(`${sql}${sql === '' || /[\s.]$/.test(sql) ? '' : ' '}${name}`); };
  const choose = (question: string): void => { setSql(question); run(question); };
  return (
    <Frame title={t('title')} lead={t('lead')} wide>
      <div className="u-body">
        <div className="m-stack u-main">
          <section className="m-card m-pad" aria-label={t('sql')}>
            <Editor value={sql} onChange={setSql} onRun={run} label={t('sql')} most={65_536} complete={offer} />
            <div className="m-row u-deeds">
              <Button type="primary" icon={<Icon name="play" size={16} />} loading={hunt.isPending} disabled={sql.trim() === ''} onClick={() => { run(); }}>{t('run')}</Button>
              <Button disabled={sql.trim() === ''} onClick={() => { setSaving(true); }}>{t('save')}</Button>
              <span className="m-faint u-keys">{t('keys')}{schema.data && ` · ${t('limits', { rows: schema.data.limits.rows, seconds: schema.data.limits.seconds })}`}</span>
            </div>
          </section>
          <section className="m-card" aria-label={t('answer')} aria-live="polite">
            {hunt.isPending ? <Loading rows={6} /> : hunt.error ? <Failure error={hunt.error} /> : hunt.data ? <Answer result={hunt.data} as={filters.as === 'chart' ? 'chart' : 'table'} onAs={(as) => { set({ as: as === 'chart' ? as : undefined }); }} /> : <Empty icon="hunt" title={t('begin')}>{t('beginHow')}</Empty>}
          </section>
        </div>
        <aside className="m-stack u-side">
          <Saved onChoose={choose} />
          <Shown of={schema}>{(found) => (
            <>
              <Card title={t('examples')}><ul className="u-list">{found.examples.map((one) => <li key={one.sql}><button type="button" className="m-link" onClick={() => { choose(inLines(one.sql)); }}>{say(one.title)}</button></li>)}</ul></Card>
              <Tables title={t('liveTables')} how={t('liveHow')} views={found.views.filter(({ live }) => live)} onChoose={add} />
              <Tables title={t('schema')} how={t('schemaHow')} views={found.views.filter(({ live }) => !live)} onChoose={add} />
            </>
          )}</Shown>
        </aside>
      </div>
      {isSaving && <SaveForm sql={sql} close={() => { setSaving(false); }} />}
    </Frame>
  );
}

function Tables({ title, how, views, onChoose }: { title: string; how: string; views: HuntSchema['views']; onChoose: (name: string) => void }) {
  const t = useTexts(words);
  const say = useSay();
  return (
    <Card title={title}>
      <p className="m-faint">{how}</p>
      {views.map((view) => (
        <details key={view.name} className="u-view">
          <summary><code>{view.name}</code> <span className="m-quiet">{say(view.title)}</span></summary>
          {view.blind && <p className="m-faint">{t('notIn', { what: say(view.blind) })}</p>}
          <ul>{view.columns.map((column) => <li key={column.name}><button type="button" className="m-link m-mono" onClick={() => { onChoose(column.name); }}>{column.name}</button> <span className="m-faint">{say(column.text)}</span></li>)}</ul>
        </details>
      ))}
    </Card>
  );
}

/** When each table of the live state was looked at, and what was missing from it: also where no row fits. */
function LookedAt({ live }: { live: HuntResult['live'] }) {
  const t = useTexts(words);
  const say = useSay();
  if (live.length === 0) return null;
  return (
    <>
      <p className="m-faint u-live">{live.map(({ table, at, rows }) => <span key={table}><code>{table}</code> {t('lookedAt', { count: rows })} <Time at={at} style="clock" /></span>)}</p>
      {live.filter(({ notes }) => notes.length > 0).map(({ table, notes }) => <Notice key={table} compact icon="warn" tone="warn" title={t('notWhole', { table })}><ul>{notes.map((note) => <li key={note.en}><Inert most={300}>{say(note)}</Inert></li>)}</ul></Notice>)}
    </>
  );
}

function Answer({ result, as, onAs }: { result: HuntResult; as: 'table' | 'chart'; onAs: (as: string) => void }) {
  const t = useTexts(words);
  const bars = barsOf(result);
  const download = (): void => { saveCsv('moat-hunt.csv', toCsv(result)); };
  if (result.rows.length === 0) return <><LookedAt live={result.live} /><Empty icon="search" title={t(result.live.length > 0 ? 'noneNow' : 'none')}>{t('noneHow')}</Empty></>;
  const rows = result.rows.map((cells, at) => ({ at, cells }));
  return (
    <>
      <div className="m-row m-pad">
        <span className="m-grow"><b>{t('rows', { count: rows.length })}</b> <span className="m-faint">{t('took', { ms: result.ms })}</span></span>
        {bars && <Segmented aria-label={t('answer')} value={as} onChange={onAs} options={[{ value: 'table', label: t('table') }, { value: 'chart', label: t('chart') }]} />}
        <Button icon={<Icon name="download" size={16} />} onClick={download}>{t('csv')}</Button>
      </div>
      <LookedAt live={result.live} />
      {result.cut && <Notice compact icon="warn" title={t(`cut_${result.cut}`)} />}
      {bars && as === 'chart'
        ? <figure className="m-pad u-bars"><figcaption className="m-quiet">{t('chartOf', { label: bars.label, value: bars.value })}</figcaption>{bars.bars.map((bar, at) => <div key={at}><span className="m-cut" title={inertString(bar.label, 200)}><Inert most={120}>{bar.label}</Inert></span><span className="u-track"><span style={{ width: `${(100 * bar.value) / Math.max(1, ...bars.bars.map(({ value }) => value))}%` }} /></span><b className="m-number">{bar.value}</b></div>)}{bars.left > 0 && <p className="m-faint">{t('more', { count: bars.left })}</p>}</figure>
        : <div className="m-rows"><Table<(typeof rows)[number]> aria-label={t('answer')} virtual size="middle" pagination={false} dataSource={rows} rowKey={({ at }) => at} scroll={{ x: Math.max(300, result.columns.length * columnWidth), y: Math.min(480, rows.length * 44 + 10) }} columns={result.columns.map((name, at) => ({ key: `${at}`, title: <Inert>{name}</Inert>, width: columnWidth, render: (_, { cells }) => <Cell column={name} value={cells[at] ?? null} /> }))} /></div>}
    </>
  );
}

function Cell({ column, value }: { column: string; value: string | number | null }) {
  if (value === null) return <span className="m-faint">—</span>;
  if (typeof value === 'number') return isTime(column) && value > 1e11 ? <Time at={value} style="clock" /> : <span className="m-number">{value}</span>;
  if (addresses.has(column)) return <Link to={{ pathname: '/alerts', search: new URLSearchParams({ source_ip: value }).toString() }}><Inert code>{value}</Inert></Link>;
  return <span title={inertString(value, 2000)}><Inert most={300}>{value}</Inert></span>;
}

function Saved({ onChoose }: { onChoose: (sql: string) => void }) {
  const t = useTexts(words);
  const me = useMe();
  const deed = useDeed();
  const saved = useGet<{ items: SavedQuery[] }>('/hunt/queries');
  const remove = (one: SavedQuery): void => {
    const back = (): void => { void deed(async () => { await ask('POST', '/hunt/queries', { body: { name: one.name, sql: one.sql, shared: one.shared } }); await saved.refetch(); }, t('savedDone')); };
    void deed(async () => { await ask('DELETE', `/hunt/queries/${encodeURIComponent(one.id)}`); await saved.refetch(); }, t('removed'), back);
  };
  return (
    <Card title={t('saved')}>
      <Shown of={saved} rows={2}>{({ items }) => (items.length === 0 ? <span className="m-quiet">{t('savedNone')}</span> : <ul className="u-list">{items.map((one) => <li key={one.id}><button type="button" className="m-link m-grow" onClick={() => { onChoose(one.sql); }}><Inert>{one.name}</Inert></button>{one.by === me.name ? <button type="button" className="u-remove" aria-label={t('remove', { name: inertString(one.name, 60) })} onClick={() => { remove(one); }}><Icon name="close" size={14} /></button> : <span className="m-faint"><Inert>{t('by', { by: one.by })}</Inert></span>}</li>)}</ul>)}</Shown>
    </Card>
  );
}

function SaveForm({ sql, close }: { sql: string; close: () => void }) {
  const t = useTexts(words);
  const c = useTexts(common);
  const [name, setName] = useState('');
  const [isShared, setShared] = useState(false);
  const save = useDo<void, SavedQuery>(() => ({ method: 'POST', path: '/hunt/queries', body: { name: name.trim(), sql, shared: isShared } }), ['/hunt/queries']);
  const keep = (): void => { void save.mutateAsync().then(() => { toast(t('savedDone')); close(); return true; }, () => false); };
  return (
    <Modal open title={t('saveTitle')} onCancel={close} okText={c('save')} cancelText={c('cancel')} onOk={keep} okButtonProps={{ disabled: name.trim() === '', loading: save.isPending }}>
      <div className="m-stack">
        <label>{t('name')}<Input value={name} maxLength={100} onChange={({ target }) => { setName(target.value); }} onPressEnter={() => { if (name.trim() !== '') keep(); }} /></label>
        <Checkbox checked={isShared} onChange={({ target }) => { setShared(target.checked); }}>{t('share')}</Checkbox>
        {save.error && <Failure compact error={save.error} />}
      </div>
    </Modal>
  );
}
