/** What machine this is, in a line. */
import type { Host } from '../../../../src/api/contract/host.ts';
import { bytesText } from '../../parts/bytes.ts';
import { Inert } from '../../parts/inert.tsx';
import { Notice } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { useLang, useTexts } from '../../text/lang.ts';
import { Fact, Facts } from './parts.tsx';
import { words } from './words.ts';

const addressesShown = 4;

export function Machine({ host }: { host: Host }) {
  const t = useTexts(words);
  const lang = useLang();
  const used = Math.max(0, host.memory_bytes - host.memory_free_bytes);
  const part = host.memory_bytes > 0 ? used / host.memory_bytes : 0;
  return (
    <div className="h-machine">
      <div className="h-name">
        <strong><Inert>{host.name}</Inert></strong>
        <span className="m-quiet"><Inert>{host.system ?? ''}</Inert></span>
        <span className="m-row h-marks">
          {host.environment !== undefined && <span className="h-mark">{t(`env_${host.environment}`)}</span>}
          {host.group !== undefined && <span className="h-mark"><Inert>{host.group}</Inert></span>}
        </span>
      </div>
      <Facts>
        <Fact name={t('kernel')}><Inert>{host.kernel}</Inert> <span className="m-faint"><Inert>{host.arch}</Inert></span></Fact>
        <Fact name={t('up')}><Time at={Date.now() - host.uptime * 1000} style="clock" /></Fact>
        <Fact name={t('load')}><span title={t('loadHow')}>{host.load.map((one) => one.toFixed(2)).join(' · ')}</span> <span className="m-faint">{t('cpus', { count: host.cpus })}</span></Fact>
        <Fact name={t('memory')}><span className="h-meter" role="img" aria-label={t('memoryUsed', { used: bytesText(used, lang), total: bytesText(host.memory_bytes, lang) })}><span style={{ width: `${Math.round(part * 100)}%` }} /></span>{t('memoryUsed', { used: bytesText(used, lang), total: bytesText(host.memory_bytes, lang) })}</Fact>
        <Fact name={t('addresses')}>{host.addresses.length > 0 && <span className="m-mono">{host.addresses.slice(0, addressesShown).map((one) => <span key={one} className="h-address"><Inert>{one}</Inert></span>)}{host.addresses.length > addressesShown && ` +${host.addresses.length - addressesShown}`}</span>}</Fact>
        <Fact name={t('guarded')}><Time at={host.since} style="clock" /></Fact>
      </Facts>
      {host.isolated && <div className="h-isolated"><Notice compact icon="lock" tone="bad" title={t('isolated')}><Time at={host.isolated.since} /> <Inert>{t('isolatedHow', { by: host.isolated.by, why: host.isolated.why })}</Inert></Notice></div>}
    </div>
  );
}
