/** Playbooks, and their runs. */
import { Button, type TableColumnsType } from 'antd';
import { useState } from 'react';
import { useNavigate } from 'react-router';
import type { PlaybookHead, PlaybookRun } from '../../../../src/api/contract/response.ts';
import { useGet, useList } from '../../api/hooks.ts';
import { useMay } from '../../api/session.tsx';
import { useChanges } from '../../api/stream.ts';
import { Inert } from '../../parts/inert.tsx';
import { Card } from '../../parts/page.tsx';
import { Rows } from '../../parts/rows.tsx';
import { Empty, Shown } from '../../parts/states.tsx';
import { Sure } from '../../parts/sure.tsx';
import { Time } from '../../parts/time.tsx';
import { useSay, useTexts } from '../../text/lang.ts';
import { useAct } from './said.ts';
import { words } from './words.ts';

export function Playbooks() {
  const t = useTexts(words);
  const say = useSay();
  const list = useGet<{ items: PlaybookHead[] }>('/playbooks');
  return (
    <Card title={t('playbooks')}>
      <p className="mp-how">{t('playbooksHow')}</p>
      <Shown of={list}>{({ items }) => (items.length === 0 ? <Empty title={t('playbooksNone')} /> : (
        <ul className="mp-list">{items.map((one) => <li key={one.id}><div className="m-grow"><b><Inert>{say(one.name)}</Inert></b><p><Inert>{say(one.description)}</Inert></p><p className="m-faint">{t('grade', { n: one.grade })} · {t(`pb_${one.mode}`)} · {t('stepsCount', { count: one.steps })}</p></div></li>)}</ul>
      ))}</Shown>
    </Card>
  );
}

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
    { title: t('by'), width: 150, ellipsis: true, responsive: ['lg'], render: (_, row) => <Inert>{row.by}</Inert> },
    { title: t('began'), width: 110, responsive: ['md'], render: (_, row) => <Time at={row.created} /> },
  ];
  if (id !== '') return <Run id={id} />;
  return <section className="m-card" aria-label={t('runs')}><Rows list={list} columns={columns} rowKey={(row) => row.id} label={t('runs')} around={400} width={700} onOpen={(row) => { void go(`/protection/runs/${encodeURIComponent(row.id)}`); }} empty={<Empty title={t('runsNone')}>{t('runsNoneHow')}</Empty>} /></section>;
}

function Run({ id }: { id: string }) {
  const t = useTexts(words);
  const say = useSay();
  const mayAct = useMay('act');
  const act = useAct();
  const found = useGet<PlaybookRun>(`/runs/${encodeURIComponent(id)}`, {}, { live: ['action', 'request'] });
  const [isAsking, setAsking] = useState(false);
  return (
    <Shown of={found}>{(run) => (
      <Card title={say(run.name)} extra={<div className="m-row"><State run={run} />{mayAct && run.status === 'running' && <Button size="small" onClick={() => { setAsking(true); }}>{t('stop')}</Button>}</div>}>
        <p className="mp-how">{t('about')}: <Inert>{run.target}</Inert> · <Inert>{run.by}</Inert> · <Time at={run.created} />{run.why !== '' && <> · <Inert>{run.why}</Inert></>}</p>
        {run.waiting.length > 0 && <><h3 className="mp-h3">{t('waitsFor')}</h3><ul className="mp-list">{run.waiting.map((one) => <li key={one.request}><span className="m-grow"><Inert>{say(one.what)}</Inert></span><span className="m-faint">{t('expires')} <Time at={one.expires} /></span></li>)}</ul></>}
        <h3 className="mp-h3">{t('story')}</h3>
        <ol className="mp-history">{run.entries.map((one, at) => <li key={at}><Time at={one.time} style="clock" /><span><Inert code>{one.step}</Inert> <Inert>{one.what}</Inert> <span className="m-quiet"><Inert>{one.note}</Inert></span></span></li>)}</ol>
        {run.dropped > 0 && <p className="m-faint">{t('dropped', { count: run.dropped })}</p>}
        {isAsking && <Sure title={t('stopTitle')} ok={t('stop')} isDanger why="may" close={() => { setAsking(false); }} done={t('stoppedRun')} act={(why) => act.mutateAsync({ method: 'POST', path: `/runs/${encodeURIComponent(id)}/stop`, body: { why, undo: false } })}><p>{t('stopHow')}</p></Sure>}
      </Card>
    )}</Shown>
  );
}
