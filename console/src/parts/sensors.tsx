/** Where Moat looks, how each of its eyes does, and what none of them sees. */
import type { Sensors } from '../../../src/api/contract/host.ts';
import { useSay, useTexts, texts } from '../text/lang.ts';
import { Inert } from './inert.tsx';
import { Time } from './time.tsx';
import './sensors.css';

const words = texts('sensors', {
  en: { live: 'Sees', waiting: 'Waits', blind: 'Cannot see', off: 'Off', idle: 'On', since: 'since', cannot: 'What it cannot see' },
  zh: { live: '正常', waiting: '等待中', blind: '看不见', off: '未启用', idle: '已启用', since: '始于', cannot: '它看不到什么' },
});

type Sensor = Sensors['items'][number];
/** How it does as a whole: blind when a part is. */
export function stateOf({ enabled, parts }: Pick<Sensor, 'enabled' | 'parts'>): 'off' | 'idle' | 'live' | 'waiting' | 'blind' {
  if (!enabled) return 'off';
  return (['blind', 'waiting', 'live'] as const).find((state) => parts.some((part) => part.state === state)) ?? 'idle';
}

export function SensorList({ items }: { items: readonly Sensor[] }) {
  const t = useTexts(words);
  const say = useSay();
  return (
    <ul className="m-sensors">{items.map((one) => {
      const state = stateOf(one);
      return (
        <li key={one.id}>
          <div className="m-sensor-head"><span className={`m-sensor-dot m-sensor-${state}`} aria-hidden="true" /><b><Inert>{say(one.title)}</Inert></b><span className="m-quiet">{t(state)}</span></div>
          {one.why && <p className="m-quiet"><Inert>{say(one.why)}</Inert></p>}
          {one.parts.filter((part) => part.detail !== undefined || part.state !== state).map((part) => <p key={part.part} className={part.state === 'blind' ? '' : 'm-quiet'}><Inert>{part.part}</Inert>: {part.state === 'blind' ? <b>{t('blind')}</b> : t(part.state)}{part.detail && <> — <Inert>{say(part.detail)}</Inert></>} · {t('since')} <Time at={part.since} /></p>)}
          <details><summary>{t('cannot')}</summary><Inert>{say(one.blind)}</Inert></details>
        </li>
      );
    })}</ul>
  );
}
