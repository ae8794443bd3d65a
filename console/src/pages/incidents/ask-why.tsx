import { Input, Modal, Select } from 'antd';
import { useState } from 'react';
import { common } from '../../text/common.ts';
import { useTexts } from '../../text/lang.ts';
import { words } from './words.ts';

/** What a deed wants to hear first. `days`: also for how long, this at first. */
export interface Asked { title: string; hint: string; mustSay: boolean; days?: number; act: (why: string, days: number) => Promise<boolean> }

export function AskWhy({ asked: { title, hint, mustSay, days: first, act }, close }: { asked: Asked; close: () => void }) {
  const t = useTexts(words);
  const c = useTexts(common);
  const [why, setWhy] = useState('');
  const [days, setDays] = useState(first ?? 0);
  const [isBusy, setBusy] = useState(false);
  const go = async (): Promise<void> => {
    setBusy(true);
    await act(why.trim(), days);
    close();
  };
  return (
    <Modal open title={title} onCancel={close} okText={title} cancelText={c('cancel')} okButtonProps={{ disabled: mustSay && why.trim() === '' }} confirmLoading={isBusy} onOk={() => { void go(); }}>
      <label className="mi-ask"><span className="m-quiet">{hint}</span><Input.TextArea autoFocus rows={3} maxLength={1000} value={why} aria-label={t('whyAsk')} onChange={({ target }) => { setWhy(target.value); }} /></label>
      {first !== undefined && <div className="m-row">{t('forDays')} <Select aria-label={t('forDays')} value={days} options={[1, 7, 30, 90, 365].map((value) => ({ value, label: t('days', { count: value }) }))} onChange={setDays} /></div>}
    </Modal>
  );
}
