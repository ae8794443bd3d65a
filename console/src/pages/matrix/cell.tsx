/** One cell: whether it was seen, what covers it with the way there, and what it stands for. */
import { Drawer } from 'antd';
import { Link } from 'react-router';
import { useMay } from '../../api/session.tsx';
import { Inert } from '../../parts/inert.tsx';
import { Empty, Notice } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { useSay, useTexts } from '../../text/lang.ts';
import type { Cell, Span, Thing } from './shape.ts';
import { words } from './words.ts';

const groups = [['rule', 'rules'], ['behaviour', 'behaviours'], ['check', 'checks']] as const;
const shownMost = 60;

export function CellDrawer({ cell, isMissing, days, close }: { cell: Cell | undefined; isMissing: boolean; days: Span; close: () => void }) {
  const t = useTexts(words);
  const say = useSay();
  return (
    <Drawer open={cell !== undefined || isMissing} size={560} title={cell ? <Inert>{say(cell.name)}</Inert> : t('nothingHere')} onClose={close} closable={{ 'aria-label': t('close') }}>
      {cell ? <Body cell={cell} days={days} /> : <Empty icon="search" title={t('nothingHere')} />}
    </Drawer>
  );
}

function Body({ cell, days }: { cell: Cell; days: Span }) {
  const t = useTexts(words);
  const say = useSay();
  const mayHunt = useMay('hunt');
  const span = t(`in_${days}`);
  const parts = cell.techniques.filter((one) => one.covered_count > 0 || one.seen > 0 || one.id === cell.number);
  return (
    <div className="m-stack">
      <p className="mx-verdict">{cell.seen > 0 ? t('cellSeen', { count: cell.seen, span }) : t('cellUnseen', { span })}{cell.last > 0 && <span className="m-quiet"> · {t('last')}: <Time at={cell.last} /></span>}</p>
      {cell.covered === 0 && <Notice icon="warn" title={t('cellGap')} {...(mayHunt && { action: <Link className="mx-link" to="/rules/new">{t('write')}</Link> })}>{t('cellGapHow')}</Notice>}
      {groups.map(([what, title]) => {
        const things = cell.things.filter((one) => one.what === what);
        return things.length > 0 && (
          <section key={what}>
            <h3 className="mx-h3">{t(title)} <span className="m-faint">{things.length}</span></h3>
            {what === 'check' && <p className="m-quiet">{t('checksHow')}</p>}
            <ul className="mx-things">{things.slice(0, shownMost).map((one) => <ThingRow key={one.id} thing={one} days={days} />)}</ul>
            {things.length > shownMost && <p className="m-faint">{t('moreThings', { count: things.length - shownMost })}</p>}
          </section>
        );
      })}
      {parts.length > 0 && (
        <section>
          <h3 className="mx-h3">{t('parts')}</h3>
          <ul className="mx-things">{parts.map((one) => <li key={one.id}><span className="m-grow"><Inert>{say(one.name)}</Inert></span>{one.covered.some(({ what }) => what !== 'check') && <Link to={{ pathname: '/rules', search: new URLSearchParams({ attack: one.id }).toString() }}>{t('allRules', { id: one.id })}</Link>}</li>)}</ul>
        </section>
      )}
    </div>
  );
}

function ThingRow({ thing: { what, id, title, seen }, days }: { thing: Thing; days: Span }) {
  const t = useTexts(words);
  const say = useSay();
  const to = what === 'check' ? { pathname: '/posture/findings', search: new URLSearchParams({ check: id.replace(/^check\./, '') }).toString() } : { pathname: `/rules/rule/${encodeURIComponent(id)}` };
  return (
    <li>
      <span className="m-grow"><Link to={to}><Inert most={200}>{say(title)}</Inert></Link></span>
      {seen > 0 && <Link className="mx-alerts" to={{ pathname: '/alerts', search: new URLSearchParams({ rule: id, status: 'all', hours: String(Number(days) * 24) }).toString() }}>{t('alertsOf', { count: seen })}</Link>}
    </li>
  );
}
