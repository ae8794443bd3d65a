/** A rule of one's own: written with help, looked at while one writes, tried on the past, and kept with a reason. */
import { Button } from 'antd';
import { useId, useMemo, useRef, useState } from 'react';
import { Link, useNavigate } from 'react-router';
import type { z } from 'zod';
import type { huntSchema, Rule, RuleCheck, RuleWhole } from '../../../../src/api/contract/rules.ts';
import { useGet } from '../../api/hooks.ts';
import { useMay } from '../../api/session.tsx';
import { useFilters } from '../../parts/address.ts';
import { Editor, type EditorHandle } from '../../parts/editor.tsx';
import { Icon } from '../../parts/icon.tsx';
import { inertString } from '../../parts/inert-text.ts';
import { Inert } from '../../parts/inert.tsx';
import { LevelTag } from '../../parts/level.tsx';
import { Page as Frame } from '../../parts/page.tsx';
import { Failure, Notice, Shown } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { toast } from '../../parts/toast.tsx';
import { common } from '../../text/common.ts';
import { useLang, useTexts } from '../../text/lang.ts';
import { useCheck } from './check.ts';
import { useDraft } from './draft.ts';
import { ruleAddress } from './list.tsx';
import { Save } from './save.tsx';
import { type Span, Trial, useTrial } from './trial.tsx';
import { words } from './words.ts';
import { complete, copyOf, template } from './yaml.ts';

type Names = Pick<Rule, 'id' | 'logsource'>;
const none: readonly string[] = [];
const nameShape = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/;
const textMost = 64 * 1024;

/** `id` '' for a new one, which may begin from another (`?from=`). */
export function Edit({ id }: { id: string }) {
  const t = useTexts(words);
  const lang = useLang();
  const { filters: { from } } = useFilters(['from']);
  const source = id === '' ? from : id;
  const rule = useGet<RuleWhole>(`/rules/${encodeURIComponent(source ?? '')}`, {}, { enabled: source !== undefined });
  const rules = useGet<{ items: Names[] }>('/rules', { limit: 5000, fields: 'id,logsource' });
  const title = id === '' ? t('newTitle') : t('editTitle', { name: inertString(id, 100) });
  return (
    <Frame wide title={title} lead={<><Link className="mr-link" to={id === '' ? '/rules' : ruleAddress(id)}><Icon name="left" size={13} />{id === '' ? t('title') : inertString(id, 100)}</Link> · {t('newLead')}</>}>
      {source === undefined ? <Desk key="new" address="new" first={template(lang)} before={undefined} was={undefined} rules={rules.data?.items} /> : (
        <Shown of={rule}>{({ yaml = '', own }) => (id === ''
          ? <Shown of={rules}>{({ items }) => <Desk key={`new ${source}`} address={`new ${source}`} first={copyOf(yaml, new Set(items.map((one) => one.id)))} before={undefined} was={undefined} rules={items} />}</Shown>
          // What is not one's own is never changed: it is the beginning of another.
          : <Desk key={id} address={id} first={own ? yaml : copyOf(yaml, new Set(rules.data?.items.map((one) => one.id)))} before={own ? yaml : undefined} was={own ? id : undefined} rules={rules.data?.items} />)}</Shown>
      )}
    </Frame>
  );
}

function Desk({ address, first, before, was, rules }: { /** Which rule it is, as the address says: its draft is kept under it. */ address: string; first: string; before: string | undefined; was: string | undefined; rules: readonly Names[] | undefined }) {
  const t = useTexts(words);
  const c = useTexts(common);
  const go = useNavigate();
  const maySystem = useMay('system');
  const told = useId();
  const editor = useRef<EditorHandle>(null);
  const { text, setText, found, discard, forget } = useDraft(address, first);
  const [span, setSpan] = useState<Span>('24');
  const [isSaving, setSaving] = useState(false);
  const schema = useGet<z.infer<typeof huntSchema>>('/hunt/schema');
  const { checked, isNow } = useCheck(text);
  const { tried, begin, error, isBusy, end } = useTrial();
  const known = useMemo(() => {
    const of = (key: 'service' | 'category'): string[] => [...new Set(rules?.flatMap(({ logsource }) => logsource?.[key] ?? []))].toSorted();
    return { fields: schema.data?.views.find(({ name }) => name === 'events')?.columns.map(({ name }) => name) ?? none, services: of('service'), categories: of('category') };
  }, [rules, schema.data]);
  const check = checked?.check;
  const wrong = useMemo(() => new Set(check?.faults.map(({ line }) => line)), [check]);
  const isReady = isNow && check?.ok === true;
  const name = check?.rules[0]?.name ?? check?.rules[0]?.id;
  const hasName = name !== undefined && nameShape.test(name);
  const run = (): void => { if (isReady && !isBusy) begin(text, span); };
  return (
    <div className="mr-desk">
      <div className="m-stack">
        {found && (
          <Notice bar icon="refresh" title={<>{t('draftBack')} <Time at={found.time} /></>} action={<Button onClick={() => { const left = text; discard(); toast(t('draftGone'), () => { setText(left); }); }}>{t('draftDiscard')}</Button>}>
            {before !== undefined && found.base !== before ? t('draftOld') : t('draftHow')}
          </Notice>
        )}
        <section className="m-card m-pad" aria-label={t('editor')}>
          <Editor handle={editor} value={text} onChange={setText} onRun={run} label={t('editor')} most={textMost} rows={24} lines={{ wrong }} describedBy={told} complete={(all, caret, always) => complete(all, caret, known, always)} />
          <div id={told} className="mr-told" role="status">
            {text.trim() === '' ? <p className="m-quiet">{t('empty')}</p> : checked === undefined ? <p className="m-quiet">{t('checking')}</p> : checked.error !== undefined ? <Failure compact error={checked.error} /> : check && <Told check={check} isNow={isNow} goTo={(line) => { editor.current?.goTo(line); }} />}
            {isReady && name === undefined && <p>{t('noName')}</p>}
            {isReady && name !== undefined && !hasName && <p><Inert>{t('badName', { name })}</Inert></p>}
            {isReady && hasName && was !== undefined && name !== was && <p className="m-quiet"><Inert>{t('renamed', { was })}</Inert></p>}
          </div>
          <div className="m-row">
            {maySystem && <Button type="primary" disabled={!isReady || !hasName || text === before} onClick={() => { setSaving(true); }}>{c('save')}</Button>}
            <Button onClick={() => { forget(); void go(was === undefined ? '/rules' : ruleAddress(was)); }}>{t('discard')}</Button>
            <span className="m-faint mr-keys">{maySystem ? t('keys') : t('readOnly')}</span>
          </div>
        </section>
      </div>
      <Trial text={text} isReady={isReady} tried={tried} isBusy={isBusy} error={error} span={span} onSpan={setSpan} onRun={run} onEnd={end} />
      {isSaving && name !== undefined && <Save name={name} text={text} before={name === was ? before : undefined} isTried={tried?.text === text} saved={forget} close={() => { setSaving(false); }} />}
    </div>
  );
}

const codes = ['yaml', 'limit', 'metadata', 'logsource', 'detection', 'modifier', 'value', 'placeholder', 'regex', 'condition', 'aggregation', 'correlation', 'filter', 'reference', 'duplicate'] as const;
const codeOf = (code: string): (typeof codes)[number] | 'unknown' => codes.find((one) => one === code) ?? 'unknown';
const shownFaults = 20;

function Told({ check: { faults, rules }, isNow, goTo }: { check: RuleCheck; isNow: boolean; goTo: (line: number) => void }) {
  const t = useTexts(words);
  const lang = useLang();
  const [one] = rules;
  if (faults.length === 0) return one ? <p className={`m-row${isNow ? '' : ' m-faint'}`}><span className="mr-good"><Icon name="check" size={16} /></span><Inert most={300}>{rules.length === 1 ? t('fine', { title: one.title }) : t('fineMany', { n: rules.length })}</Inert> <LevelTag level={one.level} /></p> : <p className="m-quiet">{t('empty')}</p>;
  return (
    <>
      <p><b>{t('faults', { count: faults.length })}</b></p>
      <ul className="mr-faults">{faults.slice(0, shownFaults).map(({ line, code, text }, at) => (
        <li key={at}><button type="button" className="m-link" onClick={() => { goTo(line); }}>{t('line', { line })}</button> <span>{t(`fault_${codeOf(code)}`)} <span className="m-quiet"><Inert most={600}>{text[lang]}</Inert></span></span></li>
      ))}</ul>
    </>
  );
}
