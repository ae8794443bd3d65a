/** Findings, and one of them with what it means and how it is put right. */
import { Button, Drawer, Segmented, Select, type TableColumnsType } from 'antd';
import { useState } from 'react';
import { useLocation, useNavigate } from 'react-router';
import type { Finding } from '../../../../src/api/contract/scans.ts';
import { useDo, useGet, useList } from '../../api/hooks.ts';
import { useMay } from '../../api/session.tsx';
import { worstFirst } from '../../api/types.ts';
import { useFilters } from '../../parts/address.ts';
import { Copy } from '../../parts/copy.tsx';
import { Inert } from '../../parts/inert.tsx';
import { LevelTag } from '../../parts/level.tsx';
import { Planned } from '../../parts/planned.tsx';
import { Rows } from '../../parts/rows.tsx';
import { shellWords } from '../../parts/shell-words.ts';
import { Empty, Shown } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { common } from '../../text/common.ts';
import { useSay, useTexts } from '../../text/lang.ts';
import { words } from './words.ts';

const kinds = ['intrusion', 'weakness', 'notice'] as const;

export function Findings({ id }: { id: string }) {
  const t = useTexts(words);
  const c = useTexts(common);
  const say = useSay();
  const go = useNavigate();
  const { search } = useLocation();
  const { filters, set, isAny } = useFilters(['level', 'kind', 'check', 'gone']);
  const list = useList<Finding>('/findings', filters);
  const columns: TableColumnsType<Finding> = [
    { title: t('level'), width: 100, render: (_, row) => <LevelTag level={row.level} /> },
    { title: t('what'), render: (_, row) => <div className="mo-cell"><b><Inert most={300}>{say(row.title)}</Inert></b>{row.path !== undefined && <span className="m-faint"><Inert code most={200}>{row.path}</Inert></span>}</div> },
    { title: t('kind'), width: 150, responsive: ['md'], render: (_, row) => t(row.kind) },
    { title: filters.gone === 'true' ? t('goneSince') : t('seen'), width: 120, responsive: ['md'], render: (_, row) => <Time at={filters.gone === 'true' ? row.gone ?? row.last : row.first} /> },
  ];
  return (
    <section className="m-card" aria-label={t('findings')}>
      <div className="m-row m-pad mo-filters">
        <Segmented aria-label={t('findings')} value={filters.gone === 'true' ? 'gone' : 'standing'} options={[{ value: 'standing', label: t('standing') }, { value: 'gone', label: t('gone') }]} onChange={(value) => { set({ gone: value === 'gone' ? 'true' : undefined }); }} />
        <Select className="mo-select" aria-label={t('level')} allowClear placeholder={t('anyLevel')} value={filters.level ?? null} options={worstFirst.map((value) => ({ value, label: `≥ ${c(value)}` }))} onChange={(value: string | undefined) => { set({ level: value }); }} />
        <Select className="mo-select" aria-label={t('kind')} allowClear placeholder={t('anyKind')} value={filters.kind ?? null} options={kinds.map((value) => ({ value, label: t(value) }))} onChange={(value: string | undefined) => { set({ kind: value }); }} />
        {filters.check !== undefined && <Button size="small" aria-label={t('remove')} onClick={() => { set({ check: undefined }); }}><Inert>{t('checkFilter', { check: filters.check })}</Inert> ×</Button>}
      </div>
      <Rows list={list} columns={columns} rowKey={(row) => row.id} label={t('findings')} around={360} width={640} chosen={id} onOpen={(row) => { void go({ pathname: `/posture/findings/${encodeURIComponent(row.id)}`, search }); }} empty={isAny ? <Empty icon="search" title={t('noneFiltered')}>{t('noneFilteredHow')}</Empty> : <Empty icon="search" title={t('none')}>{t('noneHow')}</Empty>} />
      {id !== '' && <One id={id} close={() => { void go({ pathname: '/posture/findings', search }); }} />}
    </section>
  );
}

function One({ id, close }: { id: string; close: () => void }) {
  const t = useTexts(words);
  const say = useSay();
  const found = useGet<Finding>(`/findings/${encodeURIComponent(id)}`);
  return (
    <Drawer open size={660} title={t('findings')} onClose={close}>
      <Shown of={found}>{(one) => (
        <div className="m-stack">
          <div><p className="m-row"><LevelTag level={one.level} /><span className="m-quiet">{t(one.kind)}</span></p><h2 className="mo-word"><Inert most={600}>{say(one.title)}</Inert></h2></div>
          {one.means && <div><h3>{t('means')}</h3><p><Inert>{say(one.means)}</Inert></p></div>}
          <Fix finding={one} />
          {one.evidence.length > 0 && <div><h3>{t('evidence')}</h3><ul className="mo-evidence">{one.evidence.map((fact, at) => <li key={at}><p className="m-quiet"><Inert>{say(fact.what)}</Inert>{fact.path !== undefined && <> · <Inert code>{fact.path}</Inert></>}{fact.line !== undefined && <> · {t('line', { n: fact.line })}</>}</p><Inert block most={4000}>{fact.value}</Inert></li>)}</ul></div>}
          <dl className="mo-facts">
            {one.path !== undefined && <><dt>{t('path')}</dt><dd><Inert code>{one.path}</Inert></dd></>}
            {one.user !== undefined && <><dt>{t('user')}</dt><dd><Inert>{one.user}</Inert></dd></>}
            {one.address !== undefined && <><dt>{t('address')}</dt><dd><Inert code>{one.address}</Inert></dd></>}
            {one.pid !== undefined && <><dt>{t('pid')}</dt><dd>{one.pid}</dd></>}
            <dt>{t('check')}</dt><dd><Inert code>{one.check}</Inert></dd>
            <dt>{t('seen')}</dt><dd><Time at={one.first} style="clock" /></dd>
            <dt>{one.gone === undefined ? t('lastSeen') : t('goneSince')}</dt><dd><Time at={one.gone ?? one.last} style="clock" /></dd>
            {one.refs.length > 0 && <><dt>{t('refs')}</dt><dd><Inert>{one.refs.join(', ')}</Inert></dd></>}
          </dl>
        </div>
      )}</Shown>
    </Drawer>
  );
}

/** What an action does is offered as a button; for the rest stands what a person types, and why. */
function Fix({ finding: { id, check, fix, gone } }: { finding: Finding }) {
  const t = useTexts(words);
  const say = useSay();
  const mayAct = useMay('act');
  const mayScan = useMay('triage');
  const [isAsking, setAsking] = useState(false);
  const look = useDo<void>(() => ({ method: 'POST', path: '/scans', body: { only: [check] } }), ['/jobs']);
  const hasAction = (fix?.actions?.length ?? 0) > 0;
  // Whether it is gone is for the check to say; the page shows that it looks. One that runs already looks too.
  const again = (): void => { if (mayScan) look.mutate(); };
  return (
    <div>
      <h3>{t('fix')}</h3>
      {fix ? <p><Inert>{say(fix.text)}</Inert></p> : <p className="m-quiet">{t('noFix')}</p>}
      {gone === undefined && hasAction && (mayAct ? <p className="m-row mo-apply"><Button type="primary" onClick={() => { setAsking(true); }}>{t('apply')}</Button><span className="m-quiet">{t('applyHow')}</span></p> : <p className="m-quiet">{t('mayNotApply')}</p>)}
      {fix && fix.commands.length > 0 && (hasAction ? <details className="mo-by-hand"><summary className="m-quiet">{t('byHand')}</summary><Commands commands={fix.commands} /></details> : <><p className="m-quiet">{t('onlyByHand')}</p><Commands commands={fix.commands} /></>)}
      {isAsking && <Planned title={t('applyTitle')} path={`/findings/${encodeURIComponent(id)}/fix`} ok={t('applyOk')} done={t('applied')} undone={t('unapplied')} touched={['/findings', '/posture']} after={again} close={() => { setAsking(false); }}><p>{t('applyLead')}</p></Planned>}
    </div>
  );
}

const Commands = ({ commands }: { commands: readonly (readonly string[])[] }) => <>{commands.map((command, at) => <div key={at} className="mo-command"><span className="m-grow"><Inert block>{shellWords(command)}</Inert></span><Copy text={shellWords(command)} /></div>)}</>;
