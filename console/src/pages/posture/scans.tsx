import type { TableColumnsType } from 'antd';
import type { ScanRun } from '../../../../src/api/contract/scans.ts';
import { useList } from '../../api/hooks.ts';
import { worstFirst } from '../../api/types.ts';
import { Inert } from '../../parts/inert.tsx';
import { Rows } from '../../parts/rows.tsx';
import { Empty } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { common } from '../../text/common.ts';
import { useSay, useTexts } from '../../text/lang.ts';
import { words } from './words.ts';

/** Checks that were done, with what they could not look at. */
export function Scans() {
  const t = useTexts(words);
  const c = useTexts(common);
  const say = useSay();
  const list = useList<ScanRun>('/scans');
  const columns: TableColumnsType<ScanRun> = [
    { title: t('when'), width: 110, render: (_, row) => <Time at={row.ended} /> },
    { title: t('verdict'), render: (_, row) => (
      <div className="mo-cell"><b className={`mo-verdict-${row.verdict}`}>{t(`verdict_${row.verdict}`)}</b><span className="m-quiet">{worstFirst.filter((level) => (row.findings[level] ?? 0) > 0).map((level) => `${c(level)} ${row.findings[level]}`).join(' · ')}</span>
        {row.stopped && <span className="m-quiet">{t('cut')}: <Inert>{say(row.stopped)}</Inert></span>}
        {row.blind.length > 0 && <details><summary className="m-quiet">{t('blindCount', { count: row.blind.length + row.blind_left })}</summary><ul>{row.blind.slice(0, 20).map((one, at) => <li key={at} className="m-quiet"><Inert>{one.what ?? one.check}</Inert>: <Inert>{say(one.why)}</Inert></li>)}</ul></details>}</div>
    ) },
    { title: t('score'), width: 80, align: 'right', render: (_, row) => row.score },
    { title: t('files'), width: 100, align: 'right', responsive: ['md'], render: (_, row) => row.files },
    { title: t('by'), width: 160, ellipsis: { showTitle: false }, responsive: ['md'], render: (_, row) => <Inert>{row.by}</Inert> },
  ];
  return <section className="m-card" aria-label={t('scans')}><Rows list={list} columns={columns} rowKey={(row) => row.id} label={t('scans')} around={320} width={640} empty={<Empty icon="search" title={t('scansNone')}>{t('startHow')}</Empty>} /></section>;
}
