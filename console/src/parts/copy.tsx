import { Button } from 'antd';
import { useState } from 'react';
import { common } from '../text/common.ts';
import { useTexts } from '../text/lang.ts';
import { Icon } from './icon.tsx';

/** Puts a text onto the clipboard, as it is. */
export function Copy({ text, label }: { text: string; label?: string }) {
  const t = useTexts(common);
  const [isCopied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // The browser forbids it; the text can still be selected by hand.
      return;
    }
    setCopied(true);
    setTimeout(() => { setCopied(false); }, 1500);
  };
  return <Button size="small" type={label === undefined ? 'text' : 'default'} icon={<Icon name={isCopied ? 'check' : 'copy'} size={16} />} aria-label={t('copy')} onClick={() => { void copy(); }}>{label === undefined ? undefined : isCopied ? t('copied') : label}</Button>;
}
