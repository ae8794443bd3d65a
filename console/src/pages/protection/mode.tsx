/** How much Moat may do by itself: said, changed, paused. */
import { Button, Radio, Select } from 'antd';
import { useState } from 'react';
import type { Mode } from '../../../../src/api/contract/response.ts';
import { useGet } from '../../api/hooks.ts';
import { useMay } from '../../api/session.tsx';
import { Icon } from '../../parts/icon.tsx';
import { Shown } from '../../parts/states.tsx';
import { Field, Sure } from '../../parts/sure.tsx';
import { Time } from '../../parts/time.tsx';
import { useDeed } from '../../parts/toast.tsx';
import { useTexts } from '../../text/lang.ts';
import { useAct, useSpan } from './said.ts';
import { words } from './words.ts';

const modes = ['observe', 'guard', 'strict'] as const;
type Name = (typeof modes)[number];
const hour = 3_600_000;

export function ModeStrip() {
  const mode = useGet<Mode>('/mode', {}, { live: ['health', 'action'], everyMs: 60_000 });
  return <section className="m-card"><Shown of={mode} rows={1}>{(found) => <Strip mode={found} />}</Shown></section>;
}

function Strip({ mode }: { mode: Mode }) {
  const t = useTexts(words);
  const maySystem = useMay('system'), mayAct = useMay('act');
  const [asking, setAsking] = useState<'mode' | 'pause' | 'resume'>();
  const isPaused = mode.paused_until !== undefined;
  const close = (): void => { setAsking(undefined); };
  return (
    <div className={`mp-mode m-pad${isPaused ? ' mp-mode-paused' : ''}`}>
      <span className="mp-mode-icon"><Icon name={isPaused ? 'clock' : 'protection'} size={24} /></span>
      <div className="m-grow">
        <p className="mp-mode-name">{isPaused ? t('paused') : `${t('modeNow')}: ${t(`mode_${mode.mode}`)}`}</p>
        <p className="m-quiet">{isPaused ? <>{t('pausedUntil')}: <Time at={mode.paused_until} /> · {t('modeNow')}: {t(`mode_${mode.mode}`)}</> : t(`modeHow_${mode.mode}`)}{mode.overrides.length > 0 && <> · {t('overrides', { count: mode.overrides.length })}</>}{mode.set_by === 'api' && <> · {t('modeSetHere')}</>}</p>
      </div>
      <div className="m-row">
        {mayAct && (isPaused ? <Button type="primary" onClick={() => { setAsking('resume'); }}>{t('resume')}</Button> : <Button onClick={() => { setAsking('pause'); }}>{t('pause')}</Button>)}
        {maySystem && <Button onClick={() => { setAsking('mode'); }}>{t('modeChange')}</Button>}
      </div>
      {asking === 'mode' && <Change mode={mode.mode} close={close} />}
      {asking === 'pause' && <Pause close={close} />}
      {asking === 'resume' && <Resume close={close} />}
    </div>
  );
}

function Change({ mode, close }: { mode: Name; close: () => void }) {
  const t = useTexts(words);
  const act = useAct();
  const deed = useDeed();
  const [next, setNext] = useState(mode);
  const set = (to: Name, why: string): Promise<unknown> => act.mutateAsync({ method: 'PUT', path: '/mode', body: { mode: to, why } });
  return (
    <Sure title={t('modeChange')} ok={t('modeChange')} isDanger={next === 'strict'} isMissing={next === mode} close={close} done={t('modeChanged', { mode: t(`mode_${next}`) })} act={(why) => set(next, why)}
      undo={() => { void deed(() => set(mode, t('modeUndo')), t('modeChanged', { mode: t(`mode_${mode}`) })); }}>
      <Radio.Group className="mp-modes" aria-label={t('modeNow')} value={next} onChange={({ target }) => { setNext(target.value as Name); }}>
        {modes.map((one) => <Radio key={one} value={one}><b>{t(`mode_${one}`)}</b><span className="m-quiet">{t(`modeHow_${one}`)}</span></Radio>)}
      </Radio.Group>
    </Sure>
  );
}

function Pause({ close }: { close: () => void }) {
  const t = useTexts(words);
  const span = useSpan();
  const act = useAct();
  const deed = useDeed();
  const [ms, setMs] = useState(hour);
  const set = (forMs: number, why: string): Promise<unknown> => act.mutateAsync({ method: 'POST', path: '/response/pause', body: { for_ms: forMs, why } });
  return (
    <Sure title={t('pauseTitle')} ok={t('pause')} close={close} done={t('paused')} act={(why) => set(ms, why)} undo={() => { void deed(() => set(0, t('modeUndo')), t('resumed')); }}>
      <p>{t('pauseHow')}</p>
      <Field label={t('for')}><Select aria-label={t('for')} value={ms} options={[1, 4, 24, 72].map((n) => ({ value: n * hour, label: span(n * hour) }))} onChange={setMs} /></Field>
    </Sure>
  );
}

function Resume({ close }: { close: () => void }) {
  const t = useTexts(words);
  const act = useAct();
  return <Sure title={t('resume')} ok={t('resume')} close={close} done={t('resumed')} act={(why) => act.mutateAsync({ method: 'POST', path: '/response/pause', body: { for_ms: 0, why } })}><p>{t('resumeHow')}</p></Sure>;
}
