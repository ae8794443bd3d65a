/** How Moat itself is, and what it does not see. */
import { Link } from 'react-router';
import type { Overview } from '../../../../src/api/contract/overview.ts';
import { Icon } from '../../parts/icon.tsx';
import { inertString } from '../../parts/inert-text.ts';
import { Inert } from '../../parts/inert.tsx';
import { Card } from '../../parts/page.tsx';
import { Time } from '../../parts/time.tsx';
import { useLang, useSay, useTexts } from '../../text/lang.ts';
import { pageLink } from '../links.ts';
import { words } from './words.ts';

export function Health({ health }: { health: Overview['health'] }) {
  const t = useTexts(words);
  const say = useSay();
  const lang = useLang();
  const number = new Intl.NumberFormat(lang === 'zh' ? 'zh-CN' : 'en', { maximumFractionDigits: 1 });
  const dropped = Object.entries(health.dropped).filter(([, n]) => n > 0);
  const requests = pageLink('protection');
  const isBlind = health.blind.length > 0;
  return (
    <Card title={t('health')}>
      <div className="o-health">
        <p className={isBlind ? 'o-blind' : 'o-sees'}><Icon name={isBlind ? 'warn' : 'check'} size={18} />{isBlind ? t('blind', { count: health.blind.length }) : t('blindNone')} · {t('live', { count: health.live })}</p>
        {isBlind && <ul className="o-blinds">{health.blind.slice(0, 6).map(({ part, why, since }) => <li key={part}><b><Inert>{part}</Inert></b> <Inert>{say(why)}</Inert> <span className="m-faint"><Time at={since} /></span></li>)}</ul>}
        <dl>
          <div><dt>{t('since')}</dt><dd><Time at={health.since} /></dd></div>
          <div><dt>{t('memory')}</dt><dd>{number.format(health.rss / 2 ** 20)} MB</dd></div>
          <div><dt>{t('processor')}</dt><dd>{number.format(health.cpu_percent)} %</dd></div>
          <div><dt>{t('blockedCount')}</dt><dd>{number.format(health.blocked)}</dd></div>
          {health.requests > 0 && <div><dt>{t('requests')}</dt><dd>{requests === undefined ? health.requests : <Link to={requests}>{health.requests}</Link>}</dd></div>}
          {dropped.map(([what, n]) => <div key={what}><dt>{t('dropped')}: <Inert>{what}</Inert></dt><dd>{number.format(n)}</dd></div>)}
        </dl>
        {health.waiting.length > 0 && <p className="m-faint">{t('waiting', { what: inertString(health.waiting.join(', ')) })}</p>}
      </div>
    </Card>
  );
}
