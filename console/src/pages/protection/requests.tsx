/** What waits for a person, and the answer. */
import { Button } from 'antd';
import { useState } from 'react';
import type { Request } from '../../../../src/api/contract/response.ts';
import { useMay } from '../../api/session.tsx';
import { Inert } from '../../parts/inert.tsx';
import { LevelTag } from '../../parts/level.tsx';
import { Card } from '../../parts/page.tsx';
import { Sure } from '../../parts/sure.tsx';
import { Time } from '../../parts/time.tsx';
import { useSay, useTexts } from '../../text/lang.ts';
import { useAct } from './said.ts';
import { words } from './words.ts';

export function Requests({ requests }: { requests: readonly Request[] }) {
  const t = useTexts(words);
  const say = useSay();
  const act = useAct();
  const mayApprove = useMay('approve');
  const [asking, setAsking] = useState<{ request: Request; answer: 'approve' | 'reject' }>();
  if (requests.length === 0 && asking === undefined) return null;
  return (
    <Card title={t('requests')} extra={<span className="m-section-count">{requests.length}</span>}>
      <ul className="mp-list">
        {requests.map((request) => (
          <li key={request.id}>
            <LevelTag level={request.level} />
            <div className="m-grow"><p><Inert>{say(request.what)}</Inert></p><p className="m-faint"><Time at={request.created} /> · {t('expires')} <Time at={request.expires} />{!mayApprove && <> · {t('mayNotApprove')}</>}</p></div>
            {mayApprove && <div className="m-row">
              <Button type="primary" size="small" onClick={() => { setAsking({ request, answer: 'approve' }); }}>{t('approve')}</Button>
              <Button size="small" onClick={() => { setAsking({ request, answer: 'reject' }); }}>{t('reject')}</Button>
            </div>}
          </li>
        ))}
      </ul>
      {asking && (
        <Sure title={t(`${asking.answer}Title`)} ok={t(asking.answer)} isDanger={asking.answer === 'approve'} why="no" done={t('answered')} close={() => { setAsking(undefined); }} act={() => act.mutateAsync({ method: 'POST', path: `/requests/${encodeURIComponent(asking.request.id)}/answer`, body: { answer: asking.answer } })}>
          <p><Inert>{say(asking.request.what)}</Inert></p><p className="m-quiet">{t(`${asking.answer}How`)}</p>
        </Sure>
      )}
    </Card>
  );
}
