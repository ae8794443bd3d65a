/** Where Moat looks on this machine, where it cannot see, and what is set. */
import type { z } from 'zod';
import type { sensors } from '../../../../src/api/contract/host.ts';
import type { System } from '../../../../src/api/contract/system.ts';
import { useGet } from '../../api/hooks.ts';
import { Inert } from '../../parts/inert.tsx';
import { Card } from '../../parts/page.tsx';
import { Shown } from '../../parts/states.tsx';
import { useSay, useTexts } from '../../text/lang.ts';
import { words } from './words.ts';

export function SettingsTab() {
  const t = useTexts(words);
  const say = useSay();
  const asked = useGet<z.infer<typeof sensors>>('/host/sensors', {}, { live: ['health'] });
  const system = useGet<System>('/system');
  return (
    <div className="m-stack">
      <Card title={t('sensors')}>
        <p className="m-quiet">{t('sensorsLead')}</p>
        <Shown of={asked}>{({ items }) => (
          <ul className="h-sensors">{items.map((one) => (
            <li key={one.id}>
              <div className="m-row"><b><Inert>{say(one.title)}</Inert></b><span className={`h-reach ${one.enabled ? 'h-good' : ''}`}>{t(one.enabled ? 'on' : 'off')}</span>{one.why && <span className="m-quiet"><Inert>{say(one.why)}</Inert></span>}</div>
              {one.parts.map((part) => <div key={part.part} className="m-quiet"><Inert>{part.part}</Inert>: <span className={part.state === 'blind' ? 'h-strong' : ''}>{t(`part_${part.state}`)}</span> <Inert>{say(part.detail)}</Inert></div>)}
              <details><summary>{t('blindTo')}</summary><Inert>{say(one.blind)}</Inert></details>
            </li>
          ))}</ul>
        )}</Shown>
      </Card>
      <Card title={t('settings')}>
        <p className="m-quiet">{t('settingsLead')}</p>
        <Shown of={system}>{(found) => <><p>{t('settingsFile')}: <Inert code>{found.config_file}</Inert> {!found.config_there && <span className="m-faint">{t('fileMissing')}</span>}</p><Inert block>{JSON.stringify(found.config, undefined, 2)}</Inert>{Object.keys(found.set_here).length > 0 && <><h3>{t('settingsHere')}</h3><Inert block>{JSON.stringify(found.set_here, undefined, 2)}</Inert></>}</>}</Shown>
      </Card>
    </div>
  );
}
