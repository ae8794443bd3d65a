/** Before something is done: what it does, why one does it; then it is done, and a word says so with its undo. What fails stays to be mended. */
import { Input, Modal } from 'antd';
import { type ReactNode, useEffect, useState } from 'react';
import { common } from '../text/common.ts';
import { useTexts } from '../text/lang.ts';
import { Failure } from './states.tsx';
import { toast } from './toast.tsx';

export interface SureProps {
  title: ReactNode;
  /** What will happen, in plain words; fields where some are needed. */
  children?: ReactNode;
  ok: string;
  isDanger?: boolean;
  /** Nothing to be done yet: a field is missing. */
  isMissing?: boolean;
  /** Whether a reason is asked for, and must be given. */
  why?: 'must' | 'may' | 'no';
  act: (why: string) => Promise<unknown>;
  /** What was done, said afterwards; nothing is said without it: what comes next shows it. */
  done?: string | undefined;
  undo?: (() => void) | undefined;
  close: () => void;
  width?: number;
}

export function Sure({ title, children, ok, isDanger = false, isMissing = false, why: asks = 'must', act, done, undo, close, width = 560 }: SureProps) {
  const t = useTexts(common);
  const [why, setWhy] = useState('');
  const [isBusy, setBusy] = useState(false);
  // Whoever works by keys goes on where they were: the dialog leaves with this question and takes the focus along.
  const [before] = useState(() => document.activeElement);
  useEffect(() => () => { setTimeout(() => { if (before instanceof HTMLElement && before.isConnected) before.focus(); }); }, [before]);
  const [error, setError] = useState<unknown>();
  const go = async (): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      await act(why.trim());
    } catch (fault) {
      setError(fault);
      setBusy(false);
      return;
    }
    if (done !== undefined) toast(done, undo);
    close();
  };
  return (
    <Modal open width={width} title={title} onCancel={close} okText={ok} cancelText={t('cancel')} okButtonProps={{ danger: isDanger, disabled: isMissing || (asks === 'must' && why.trim() === '') }} confirmLoading={isBusy} onOk={() => { void go(); }}>
      <div className="m-sure">
        {children}
        {asks !== 'no' && <label className="m-sure-field"><span className="m-quiet">{t(asks === 'must' ? 'whyMust' : 'whyMay')}</span><Input.TextArea rows={2} maxLength={1000} value={why} onChange={({ target }) => { setWhy(target.value); }} /></label>}
        {error !== undefined && <Failure error={error} compact />}
      </div>
    </Modal>
  );
}

/** One field of such a question. */
export const Field = ({ label, hint, children }: { label: string; hint?: ReactNode; children: ReactNode }) => (
  <label className="m-sure-field"><span className="m-quiet">{label}</span>{children}{hint !== undefined && <span className="m-faint m-sure-hint">{hint}</span>}</label>
);
