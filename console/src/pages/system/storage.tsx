/** What Moat keeps on this machine, how much room it takes, and when it goes. */
import type { System } from '../../../../src/api/contract/system.ts';
import { useGet } from '../../api/hooks.ts';
import { bytesText } from '../../parts/bytes.ts';
import { Inert } from '../../parts/inert.tsx';
import { Card } from '../../parts/page.tsx';
import { Notice, Shown } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { useLang, useTexts } from '../../text/lang.ts';
import { words } from './words.ts';

/** Less room than this, and Moat soon stores no more. */
const tightBytes = 1024 ** 3;

export function Storage() {
  const t = useTexts(words);
  const lang = useLang();
  const asked = useGet<System>('/system', {}, { everyMs: 60_000 });
  const n = (value: number): string => value.toLocaleString(lang);
  return (
    <Shown of={asked} rows={8}>{({ data_folder, storage: kept }) => {
      const part = Math.min(1, kept.database_bytes / Math.max(1, kept.cap_bytes));
      const rows = [
        { what: t('keptEvents'), have: <>{t('aboutN', { n: n(kept.events) })}{kept.events_from !== undefined && <> · {t('sinceWhen')} <Time at={kept.events_from} style="clock" /></>}</>, long: t('days', { count: kept.history_days }), and: t('orFull', { size: bytesText(kept.cap_bytes, lang) }), set: 'history.days, history.max_mb' },
        { what: t('keptAlerts'), have: n(kept.alerts_kept), long: t('afterClosing', { days: t('days', { count: kept.closed_alert_days }) }), and: t('atMost', { n: n(kept.alerts) }), set: 'alerts.keep_days, alerts.max' },
        { what: t('keptIncidents'), have: t('openOnes', { n: n(kept.incidents) }), long: t('days', { count: kept.incident_days }), and: t('afterLast'), set: 'incidents.keep_days' },
        { what: t('keptReceipts'), have: '', long: t('days', { count: kept.receipt_days }), and: t('afterUndone'), set: undefined },
        { what: t('keptAudit'), have: n(kept.audit_entries), long: t('forGood'), and: '', set: undefined },
        { what: t('keptEvidence'), have: bytesText(kept.evidence_bytes, lang), long: t('days', { count: kept.evidence_days }), and: t('unlessHeld'), set: 'evidence.keep_days' },
        { what: t('keptQuarantine'), have: bytesText(kept.quarantine_bytes, lang), long: kept.quarantine_days === 0 ? t('untilRemoved') : t('days', { count: kept.quarantine_days }), and: '', set: 'response.quarantine_days' },
      ];
      return (
        <>
          {kept.free_bytes !== undefined && kept.free_bytes < tightBytes && <Notice bar icon="warn" tone="warn" title={t('tight', { size: bytesText(kept.free_bytes, lang) })}>{t('tightHow')}</Notice>}
          <Card title={t('room')}>
            <div className="sy-room">
              <div><b className="sy-big">{bytesText(kept.database_bytes, lang)}</b><p className="m-quiet">{t('ofCap', { size: bytesText(kept.cap_bytes, lang) })}</p><span className="sy-meter" role="img" aria-label={t('usedPart', { n: Math.round(part * 100) })}><span style={{ width: `${Math.max(1, Math.round(part * 100))}%` }} /></span></div>
              {kept.free_bytes !== undefined && <div><b className="sy-big">{bytesText(kept.free_bytes, lang)}</b><p className="m-quiet">{t('free')}</p></div>}
              <div><b className="sy-big">{bytesText(kept.evidence_bytes + kept.quarantine_bytes, lang)}</b><p className="m-quiet">{t('besides')}</p></div>
            </div>
            <p className="m-quiet">{t('roomHow')} <Inert code>{data_folder}</Inert></p>
          </Card>
          <Card title={t('retention')}>
            <div className="sy-scroll" role="region" aria-label={t('retention')} tabIndex={0}>
              <table className="sy-table">
                <thead><tr><th scope="col">{t('what')}</th><th scope="col">{t('have')}</th><th scope="col">{t('keptFor')}</th><th scope="col">{t('setting')}</th></tr></thead>
                <tbody>{rows.map(({ what, have, long, and, set }) => <tr key={what}><th scope="row">{what}</th><td>{have}</td><td>{long}{and !== '' && <span className="m-quiet"> · {and}</span>}</td><td>{set === undefined ? <span className="m-faint">{t('fixed')}</span> : <code>{set}</code>}</td></tr>)}</tbody>
              </table>
            </div>
          </Card>
        </>
      );
    }}</Shown>
  );
}
