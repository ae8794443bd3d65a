/** Where Moat looks on this machine, where it cannot see, and what is set. */
import type { z } from 'zod';
import type { sensors } from '../../../../src/api/contract/host.ts';
import type { System } from '../../../../src/api/contract/system.ts';
import { useGet } from '../../api/hooks.ts';
import { Inert } from '../../parts/inert.tsx';
import { Card } from '../../parts/page.tsx';
import { SensorList } from '../../parts/sensors.tsx';
import { Shown } from '../../parts/states.tsx';
import { useTexts } from '../../text/lang.ts';
import { words } from './words.ts';

export function SettingsTab() {
  const t = useTexts(words);
  const asked = useGet<z.infer<typeof sensors>>('/host/sensors', {}, { live: ['health'] });
  const system = useGet<System>('/system');
  return (
    <div className="m-stack">
      <Card title={t('sensors')}>
        <p className="m-quiet">{t('sensorsLead')}</p>
        <Shown of={asked}>{({ items }) => <SensorList items={items} />}</Shown>
      </Card>
      <Card title={t('settings')}>
        <p className="m-quiet">{t('settingsLead')}</p>
        <Shown of={system}>{(found) => <><p>{t('settingsFile')}: <Inert code>{found.config_file}</Inert> {!found.config_there && <span className="m-faint">{t('fileMissing')}</span>}</p><Inert block>{JSON.stringify(found.config, undefined, 2)}</Inert>{Object.keys(found.set_here).length > 0 && <><h3>{t('settingsHere')}</h3><Inert block>{JSON.stringify(found.set_here, undefined, 2)}</Inert></>}</>}</Shown>
      </Card>
    </div>
  );
}
