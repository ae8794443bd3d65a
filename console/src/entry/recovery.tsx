/** Recovery codes, which are shown once: going on is possible when they are kept. */
import { Button, Checkbox } from 'antd';
import { useState } from 'react';
import { Copy } from '../parts/copy.tsx';
import { useTexts } from '../text/lang.ts';
import { words } from './words.ts';
import './entry.css';

export function RecoveryCodes({ codes, label, onDone }: { codes: readonly string[]; label: string; onDone: () => void }) {
  const t = useTexts(words);
  const [isKept, setKept] = useState(false);
  return (
    <>
      <p className="m-quiet">{t('recoveryLead')}</p>
      <div className="m-codes">{codes.map((code) => <span key={code}>{code}</span>)}</div>
      <div className="m-row" style={{ justifyContent: 'space-between' }}><Checkbox checked={isKept} onChange={({ target }) => { setKept(target.checked); }}>{t('recoveryKept')}</Checkbox><Copy text={codes.join('\n')} /></div>
      <Button type="primary" size="large" block disabled={!isKept} style={{ marginTop: 18 }} onClick={onDone}>{label}</Button>
    </>
  );
}
