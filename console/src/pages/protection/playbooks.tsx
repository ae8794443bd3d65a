/** Playbooks, and their runs. */
import { Button, Checkbox, type TableColumnsType } from 'antd';
import { useState } from 'react';
import { Link, useNavigate } from 'react-router';
import type { PlaybookHead, PlaybookRun } from '../../../../src/api/contract/response.ts';
import { useGet, useList } from '../../api/hooks.ts';
import { useMay } from '../../api/session.tsx';
import { useChanges } from '../../api/stream.ts';
import { inertString } from '../../parts/inert-text.ts';
import { Inert } from '../../parts/inert.tsx';
import { Card } from '../../parts/page.tsx';
import { Rows } from '../../parts/rows.tsx';
import { Empty, Shown } from '../../parts/states.tsx';
import { Sure } from '../../parts/sure.tsx';
import { Time } from '../../parts/time.tsx';
import { useSay, useTexts } from '../../text/lang.ts';
import { PlaybookShown } from './playbook.tsx';
import { words as playbookWords } from './playbook-words.ts';
import { useAct } from './said.ts';
import { words } from './words.ts';

export function Playbooks({ id }: { id: string }) {
  const t = useTexts(words);
  const say = useSay();
  const list = useGet<{ items: PlaybookHead[] }>('/playbooks');
  if (id !== '') return <PlaybookShown id={id} />;
  return (
    <Card title={t('playbooks')}>
      <p className="mp-how">{t('playbooksHow')}</p>
      <Shown of={list}>{({ items }) => (items.length === 0 ? <Empty title={t('playbooksNone')} /> : (
        <ul className="mp-list">{items.map((one) => <li key={one.id}><div className="m-grow"><Link className="mp-name" to={`/protection/playbooks/${encodeURIComponent(one.id)}`}><Inert>{say(one.name)}</Inert></Link><p><Inert>{say(one.description)}</Inert></p><p className="m-faint">{t('grade', { n: one.grade })} · {t(`pb_${one.mode}`)} · {t('stepsCount', { count: one.steps })}</p></div></li>)}</ul>
      ))}</Shown>
    </Card>
  );
}

type Waiting = PlaybookRun['waiting'][number];
const State = ({ run: { status } }: { run: PlaybookRun }) => <span className={`mp-state mp-state-${status}`}>{useTexts(words)(`runStatus_${status}`)}</span>;

export function Runs({ id }: { id: string }) {
  const t = useTexts(words);
  const say = useSay();
  const go = useNavigate();
  const list = useList<PlaybookRun>('/runs');
  useChanges(['action', 'request'], () => { void list.query.refetch(); });
  const columns: TableColumnsType<PlaybookRun> = [
    { title: t('run'), render: (_, row) => <div className="mp-cell"><b><Inert>{say(row.name)}</Inert></b><span className="m-quiet"><Inert most={200}>{row.target}</Inert></span></div> },
    { title: t('status'), width: 120, render: (_, row) => <State run={row} /> },
    { title: t('by'), width: 150, ellipsis: { showTitle: false }, responsive: ['lg'], render: (_, row) => <Inert>{row.by}</Inert> },
    { title: t('began'), width: 110, responsive: ['md'], render: (_, row) => <Time at={row.created} /> },
  ];
  if (id !== '') return <Run id={id} />;
  return <section className="m-card" aria-label={t('runs')}><Rows list={list} columns={columns} rowKey={(row) => row.id} label={t('runs')} around={400} width={700} onOpen={(row) => { void go(`/protection/runs/${encodeURIComponent(row.id)}`); }} empty={<Empty title={t('runsNone')}>{t('runsNoneHow')}</Empty>} /></section>;
}

/** How it goes: what waits for a yes above, all that happened below. */
function Run({ id }: { id: string }) {
  const t = useTexts(words);
  const p = useTexts(playbookWords);
  const say = useSay();
  const mayAct = useMay('act'), mayApprove = useMay('approve');
  const act = useAct();
  const base = `/runs/${encodeURIComponent(id)}`;
  const found = useGet<PlaybookRun>(base, {}, { live: ['action', 'request'], everyMs: 15_000 });
  const [asking, setAsking] = useState<'stop' | { step: string; what: Waiting['what']; answer: 'approve' | 'reject' }>();
  const [isBack, setBack] = useState(false);
  const close = (): void => { setAsking(undefined); };
  return (
    <Shown of={found}>{(run) => (
      <Card title={<Inert>{say(run.name)}</Inert>} label={inertString(say(run.name), 100)} extra={<div className="m-row"><State run={run} />{mayAct && run.status === 'running' && <Button size="small" onClick={() => { setAsking('stop'); }}>{t('stop')}</Button>}</div>}>
        <p className="mp-how">{run.target !== 'none' && <>{t('about')}: <Inert most={300}>{run.target}</Inert> · </>}<Inert>{run.by}</Inert> · <Time at={run.created} />{run.why !== '' && <> · <Inert>{run.why}</Inert></>} · <Link to={`/protection/playbooks/${encodeURIComponent(run.playbook)}`}>{p('openPlaybook')}</Link>{run.alert !== undefined && <> · <Link to={`/alerts/${encodeURIComponent(run.alert)}`}>{p('alertOf')}</Link></>}</p>
        {run.waiting.length > 0 && <><h3 className="mp-h3">{t('waitsFor')}</h3><ul className="mp-list">{run.waiting.map((one) => (
          <li key={one.request}>
            <div className="m-grow"><Inert>{say(one.what)}</Inert><p className="m-faint">{t('expires')} <Time at={one.expires} />{!mayApprove && <> · {t('mayNotApprove')}</>}</p></div>
            {mayApprove && <div className="m-row"><Button type="primary" size="small" onClick={() => { setAsking({ step: one.step, what: one.what, answer: 'approve' }); }}>{p('approveStep')}</Button><Button size="small" onClick={() => { setAsking({ step: one.step, what: one.what, answer: 'reject' }); }}>{p('rejectStep')}</Button></div>}
          </li>
        ))}</ul></>}
        <h3 className="mp-h3 mp-gap">{t('story')}</h3>
        <ol className="mp-history">{run.entries.map((one, at) => <li key={at}><Time at={one.time} style="clock" /><span><Happened what={one.what} /> <Inert code>{one.step}</Inert> <span className="m-quiet"><Inert>{one.note}</Inert></span>{one.receipt !== undefined && <> · <Link to={`/protection/receipts/${encodeURIComponent(one.receipt)}`}>{p('receipt')}</Link></>}</span></li>)}</ol>
        {run.dropped > 0 && <p className="m-faint">{t('dropped', { count: run.dropped })}</p>}
        {asking === 'stop' && <Sure title={t('stopTitle')} ok={t('stop')} isDanger why="may" close={close} done={t('stoppedRun')} act={(why) => act.mutateAsync({ method: 'POST', path: `${base}/stop`, body: { why, undo: isBack } })}><p>{t('stopHow')}</p>{run.receipts.length > 0 && <Checkbox checked={isBack} onChange={({ target }) => { setBack(target.checked); }}>{p('undoToo', { count: run.receipts.length })}</Checkbox>}</Sure>}
        {asking !== undefined && asking !== 'stop' && <Sure title={p(`${asking.answer}Title`)} ok={p(`${asking.answer}Step`)} isDanger={asking.answer === 'approve'} why="no" close={close} done={p('answered')} act={() => act.mutateAsync({ method: 'POST', path: `${base}/${asking.answer}`, body: { step: asking.step } })}><p><Inert>{say(asking.what)}</Inert></p><p className="m-quiet">{p(`${asking.answer}How`)}</p></Sure>}
      </Card>
    )}</Shown>
  );
}

const happened = ['begun', 'done', 'failed', 'asked', 'approved', 'rejected', 'expired', 'told', 'undone', 'not-undone', 'ended'] as const;
/** What happened, in a word. */
function Happened({ what }: { what: string }) {
  const t = useTexts(playbookWords);
  const known = happened.find((one) => one === what);
  return <b className={what === 'failed' || what === 'not-undone' ? 'mp-bad' : ''}>{known === undefined ? <Inert>{what}</Inert> : t(`what_${known}`)}</b>;
}
