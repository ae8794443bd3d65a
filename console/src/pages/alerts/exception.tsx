/** An exception made from an alert: choose what must be the same, see what it would have silenced, keep it. It can be taken back at once. */
import { Alert as AntdAlert, Button, Checkbox, Form, Input, Modal } from 'antd';
import { useMemo, useState } from 'react';
import type { AlertWhole, Exception, ExceptionPreview } from '../../../../src/api/contract/alerts.ts';
import { useDo } from '../../api/hooks.ts';
import { worstFirst } from '../../api/types.ts';
import { Inert } from '../../parts/inert.tsx';
import { LevelTag } from '../../parts/level.tsx';
import { Failure } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { useDeed } from '../../parts/toast.tsx';
import { common } from '../../text/common.ts';
import { useTexts } from '../../text/lang.ts';
import { choicesOf } from './exception-fields.ts';
import { words } from './words.ts';

export function ExceptionForm({ alert, onClose }: { alert: AlertWhole; onClose: () => void }) {
  const t = useTexts(words);
  const tCommon = useTexts(common);
  const deed = useDeed();
  const choices = useMemo(() => choicesOf(alert.evidence), [alert.evidence]);
  const [when, setWhen] = useState<Record<string, string>>(() => Object.fromEntries(choices.filter(({ isUsual }) => isUsual).slice(0, 1).map(({ field, value }) => [field, value])));
  const [why, setWhy] = useState('');
  const [until, setUntil] = useState('');
  const preview = useDo<Record<string, string>, ExceptionPreview>((fields) => ({ method: 'POST', path: '/alerts/exception-preview', body: { rule: alert.rule_id, when: typed(fields), why: why.trim() || '-' } }));
  const takeBack = useDo<string>((id) => ({ method: 'DELETE', path: `/exceptions/${encodeURIComponent(id)}` }), ['/exceptions', '/alerts']);
  const keep = useDo<Record<string, string>, Exception>((fields) => ({ method: 'POST', path: '/exceptions', body: { rule: alert.rule_id, when: typed(fields), why: why.trim(), ...(until !== '' && { until }) } }), ['/exceptions', '/alerts']);
  /** Numbers stay numbers. */
  const typed = (fields: Record<string, string>): Record<string, string | number> => Object.fromEntries(Object.entries(fields).map(([field, value]) => [field, choices.find((one) => one.field === field)?.isNumber === true && /^-?\d+$/.test(value) ? Number(value) : value]));
  const isNone = Object.keys(when).length === 0;
  const change = (next: Record<string, string>): void => {
    setWhen(next);
    preview.reset();
  };
  const save = async (): Promise<void> => {
    let made: Exception | undefined;
    const takeItBack = (): void => { void deed(() => takeBack.mutateAsync(made!.id), t('gone')); };
    if (await deed(async () => { made = await keep.mutateAsync(when); }, t('kept'), takeItBack)) onClose();
  };
  return (
    <Modal open title={t('exceptTitle')} width={640} onCancel={onClose} closable={{ 'aria-label': tCommon('close') }} footer={[
      <Button key="cancel" onClick={onClose}>{tCommon('cancel')}</Button>,
      <Button key="preview" disabled={isNone} loading={preview.isPending} onClick={() => { preview.mutate(when); }}>{t('preview')}</Button>,
      // What it silences is seen before it is kept.
      <Button key="keep" type="primary" disabled={isNone || preview.data === undefined || why.trim() === ''} loading={keep.isPending} onClick={() => { void save(); }}>{t('keep')}</Button>,
    ]}>
      <p className="m-quiet">{t('exceptLead')}</p>
      <Form layout="vertical" requiredMark={false} className="a-except">
        <Form.Item label={t('exceptWhen')} extra={isNone ? t('exceptNone') : t('exceptStar')} {...(isNone && { validateStatus: 'warning' })}>
          <ul className="a-choices">
            {choices.map(({ field, value }) => (
              <li key={field}>
                <Checkbox checked={field in when} onChange={({ target }) => { const { [field]: _, ...rest } = when; change(target.checked ? { ...rest, [field]: value } : rest); }}><code>{field}</code></Checkbox>
                {field in when ? <Input size="small" aria-label={field} value={when[field]} maxLength={1000} onChange={({ target }) => { change({ ...when, [field]: target.value }); }} /> : <span className="m-cut m-quiet"><Inert code most={160}>{value}</Inert></span>}
              </li>
            ))}
          </ul>
        </Form.Item>
        <Form.Item label={t('exceptWhy')} htmlFor="why" extra={t('exceptWhyHow')}><Input id="why" value={why} maxLength={1000} onChange={({ target }) => { setWhy(target.value); }} /></Form.Item>
        <Form.Item label={t('exceptUntil')} htmlFor="until"><Input id="until" type="date" value={until} style={{ width: 180 }} onChange={({ target }) => { setUntil(target.value); }} /></Form.Item>
      </Form>
      {preview.error && <Failure error={preview.error} compact />}
      {preview.data && <Preview preview={preview.data} />}
    </Modal>
  );
}

function Preview({ preview: { looked, alerts, by_level, samples } }: { preview: ExceptionPreview }) {
  const t = useTexts(words);
  if (alerts === 0) return <AntdAlert type="info" showIcon title={t('previewNone', { looked })} />;
  const isWide = (by_level.high ?? 0) + (by_level.critical ?? 0) > 0;
  return (
    <div className="a-preview" role="status">
      <p><b>{t('previewSome', { count: alerts, looked })}</b></p>
      <ul className="m-row">{worstFirst.filter((level) => (by_level[level] ?? 0) > 0).map((level) => <li key={level}><LevelTag level={level} /> {by_level[level]}</li>)}</ul>
      {isWide && <AntdAlert type="warning" showIcon title={t('previewWide')} />}
      <ul className="a-samples">{samples.slice(0, 5).map((one) => <li key={one.id}><span className="m-faint"><Time at={one.last_time} /></span> <Inert most={200}>{one.summary}</Inert></li>)}</ul>
    </div>
  );
}
