/** Archives of evidence: collected on demand, checked whenever somebody doubts them. */
import { Button } from 'antd';
import { useCallback, useState } from 'react';
import type { z } from 'zod';
import type { EvidenceArchive, evidenceVerdict, Incident } from '../../../../src/api/contract/incidents.ts';
import { useDo, useGet } from '../../api/hooks.ts';
import { useMay } from '../../api/session.tsx';
import { bytesText } from '../../parts/bytes.ts';
import { Inert } from '../../parts/inert.tsx';
import { JobShown } from '../../parts/job.tsx';
import { Empty, Failure, Notice, Shown } from '../../parts/states.tsx';
import { Sure } from '../../parts/sure.tsx';
import { Time } from '../../parts/time.tsx';
import { useLang, useSay, useTexts } from '../../text/lang.ts';
import { words } from './words.ts';

export function EvidenceTab({ incident: { id } }: { incident: Incident }) {
  const t = useTexts(words);
  const mayAct = useMay('act');
  const base = `/incidents/${id}/evidence`;
  const asked = useGet<{ items: EvidenceArchive[] }>(base, {}, { live: ['action'] });
  const [isAsking, setAsking] = useState(false);
  const [job, setJob] = useState<string>();
  const collect = useDo<string, { job: string }>((why) => ({ method: 'POST', path: base, body: { why } }));
  const { refetch } = asked;
  const ended = useCallback(() => { setJob(undefined); void refetch(); }, [refetch]);
  const button = mayAct && job === undefined && <Button type="primary" onClick={() => { setAsking(true); }}>{t('collect')}</Button>;
  return (
    <div className="m-stack">
      {job !== undefined && <JobShown id={job} label={t('collecting')} onEnd={ended} />}
      <Shown of={asked}>{({ items }) => (items.length === 0
        ? <div className="m-card"><Empty icon="lock" title={t('evidenceNone')} action={button}>{t('evidenceNoneHow')}</Empty></div>
        : <><div className="m-row">{button}</div><ul className="m-stack">{items.map((one) => <Archive key={one.id} archive={one} base={base} />)}</ul></>)}</Shown>
      {isAsking && <Sure title={t('collect')} ok={t('collect')} close={() => { setAsking(false); }} act={async (why) => { setJob((await collect.mutateAsync(why)).job); }}><p>{t('whyCollect')}</p></Sure>}
    </div>
  );
}

function Archive({ archive, base }: { archive: EvidenceArchive; base: string }) {
  const t = useTexts(words);
  const say = useSay();
  const lang = useLang();
  const [isChecking, setChecking] = useState(false);
  const check = useGet<z.infer<typeof evidenceVerdict>>(`${base}/${archive.id}/verify`, {}, { enabled: isChecking });
  return (
    <li className="m-card m-pad m-stack-small">
      <div className="m-row"><span className="m-title m-grow m-mono"><Inert>{archive.id}</Inert></span><Button size="small" loading={isChecking && check.isFetching} onClick={() => { if (isChecking) void check.refetch(); else setChecking(true); }}>{t('check')}</Button></div>
      <div className="m-row m-quiet">
        {archive.bytes !== undefined && <span>{t('size')}: {bytesText(archive.bytes, lang)}</span>}
        {archive.made !== undefined && <span>{t('made')}: <Time at={Date.parse(archive.made)} style="clock" /></span>}
        {archive.hold ? <span>{t('onHold')}</span> : archive.until !== undefined && <span>{t('keptUntil')}: <Time at={Date.parse(archive.until)} style="clock" /></span>}
        {archive.by !== undefined && <Inert>{archive.by}</Inert>}
      </div>
      {archive.why !== undefined && <Inert>{archive.why}</Inert>}
      <span className="m-faint"><Inert code>{archive.path}</Inert></span>
      {archive.manifest !== undefined && <span className="m-faint">SHA-256 <Inert code>{archive.manifest}</Inert></span>}
      {archive.broken !== undefined && <Notice icon="warn" tone="bad" compact title={t('touched')}><Inert>{archive.broken}</Inert></Notice>}
      {isChecking && check.error && <Failure error={check.error} compact />}
      {isChecking && check.data && (check.data.ok ? <Notice icon="check" tone="good" compact title={t('untouched')} /> : <Notice icon="warn" tone="bad" compact title={t('touched')}>{check.data.faults.slice(0, 20).map((fault, at) => <p key={at}><Inert>{say(fault.text)}</Inert></p>)}</Notice>)}
    </li>
  );
}
