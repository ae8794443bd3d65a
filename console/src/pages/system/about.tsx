/** Which Moat this is, by which rules and lists it judges, how it is reached, what it runs on, whose work is in it. */
import type { Host } from '../../../../src/api/contract/host.ts';
import type { System } from '../../../../src/api/contract/system.ts';
import { useGet } from '../../api/hooks.ts';
import { bytesText } from '../../parts/bytes.ts';
import { Copy } from '../../parts/copy.tsx';
import { Mark } from '../../parts/icon.tsx';
import { Inert } from '../../parts/inert.tsx';
import { Card } from '../../parts/page.tsx';
import { Notice, Shown } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { useLang, useSay, useTexts } from '../../text/lang.ts';
import { Facts, Tag } from './fields.tsx';
import { words } from './words.ts';

const soonMs = 30 * 86_400_000;
const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
/** Of a list of intelligence: all its entries, whatever their kind. */
const entriesOf = (value: unknown): number => (typeof value === 'object' && value !== null ? Object.values(value).reduce<number>((sum, one) => sum + (typeof one === 'number' ? one : 0), 0) : 0);

export function About() {
  const t = useTexts(words);
  const say = useSay();
  const lang = useLang();
  const asked = useGet<System>('/system', {}, { everyMs: 60_000 });
  const host = useGet<Host>('/host', {}, { everyMs: 60_000 });
  return (
    <Shown of={asked} rows={10}>{(found) => (
      <>
        <section className="m-card m-pad sy-about" aria-label="Moat">
          <Mark size={52} />
          <div className="m-grow"><h2 className="sy-name">Moat 护城河 <Inert>{found.version}</Inert></h2><p className="m-quiet"><Inert>{say(found.updates)}</Inert></p></div>
          <Tag><Inert>{found.licence}</Inert></Tag>
        </section>
        {found.rules.faults.length > 0 && <Notice bar icon="warn" tone="warn" title={t('ruleFaults', { count: found.rules.faults.length })}><details className="sy-more"><summary>{t('show')}</summary><Inert block>{found.rules.faults.join('\n')}</Inert></details></Notice>}
        <div className="sy-two">
          <Card title={t('judgesBy')}>
            <Facts items={[[t('rulesLoaded'), found.rules.loaded.toLocaleString(lang)], [t('behaviours'), found.rules.behaviours.toLocaleString(lang)], [t('checks'), found.rules.checks.toLocaleString(lang)]]} />
            <p className="m-quiet"><Inert>{t('rulesVersion', { version: found.version })}</Inert></p>
          </Card>
          <Card title={t('reached')}>
            <Facts items={[[t('address'), found.server.url !== undefined && <Inert key="url" code>{found.server.url}</Inert>], [t('certificateEnds'), found.server.ends !== undefined && <span key="ends" className="m-row"><Time at={found.server.ends} style="clock" />{found.server.ends < Date.now() + soonMs && <Tag tone="warn">{t('expiresSoon')}</Tag>}</span>], [t('loggedOn'), String(found.server.sessions)], [t('watching'), String(found.server.streams)]]} />
            {found.server.fingerprint !== undefined && <details className="sy-more"><summary>{t('fingerprint')}</summary><div className="sy-secret"><span className="m-grow"><Inert code>{found.server.fingerprint}</Inert></span><Copy text={found.server.fingerprint} /></div></details>}
          </Card>
          <Card title={t('thisMachine')}>
            <Shown of={host} rows={4}>{(one) => <Facts items={[[t('machineName'), <Inert key="name">{one.name}</Inert>], [t('system'), <Inert key="system">{one.system ?? ''}</Inert>], [t('kernel'), <Inert key="kernel">{`${one.kernel} ${one.arch}`}</Inert>], [t('processor'), t('cores', { count: one.cpus })], [t('memory'), bytesText(one.memory_bytes, lang)], [t('group'), one.group !== undefined && <Inert key="group">{one.group}</Inert>], [t('environment'), one.environment && t(`env_${one.environment}`)], [t('timeZone'), <Inert key="zone">{one.time_zone}</Inert>]]} />}</Shown>
          </Card>
          <Card title={t('thisProcess')}>
            <Facts items={[[t('runsSince'), <Time key="since" at={found.since} style="clock" />], ['PID', String(found.pid)], ['Node.js', <Inert key="node">{found.node}</Inert>], [t('platform'), <Inert key="platform">{found.platform}</Inert>], [t('dataFolder'), <Inert key="data" code>{found.data_folder}</Inert>], [t('configFile'), <span key="config"><Inert code>{found.config_file}</Inert>{!found.config_there && <span className="m-quiet"> {t('configMissing')}</span>}</span>]]} />
          </Card>
        </div>
        <Card title={t('lists')}>
          <p className="sy-how">{t('listsHow')}</p>
          {found.lists.length === 0 ? <p className="m-quiet">{t('listsNone')}</p> : (
            <ul className="sy-list">{found.lists.map((one, at) => (
              <li key={at}><div className="m-grow"><b><Inert>{textOf(one['name'])}</Inert></b><p className="m-quiet"><Inert most={200}>{textOf(one['source'])}</Inert></p></div><span className="m-quiet">{t('entries', { n: entriesOf(one['entries']).toLocaleString(lang) })} · {t('updated')} {numberOf(one['updated']) === undefined ? t('never') : <Time at={numberOf(one['updated'])} />}</span></li>
            ))}</ul>
          )}
        </Card>
        <Card title={t('config')}>
          <p className="sy-how">{t('configHow')}</p>
          <details className="sy-more"><summary>{t('show')}</summary><Inert block>{JSON.stringify(found.config, undefined, 2)}</Inert></details>
        </Card>
        <Card title={t('licences')}>
          <p className="sy-how">{t('licencesHow')}</p>
          <details className="sy-more"><summary>{t('parts', { count: found.parts_licences.length })}</summary>
            <ul className="sy-columns">{found.parts_licences.map((one) => <li key={one.name}><span><Inert>{one.name}</Inert> <span className="m-faint">{one.version}</span></span><Inert>{one.licence}</Inert></li>)}</ul>
          </details>
        </Card>
      </>
    )}</Shown>
  );
}
