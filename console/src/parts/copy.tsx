import { Button } from 'antd';
import { useState } from 'react';
import { common } from '../text/common.ts';
import { useTexts } from '../text/lang.ts';
import { Icon } from './icon.tsx';

/** Puts a text onto the clipboard, as it is. */
export function Copy({ text, label }: { text: string; label?: string }) {
  const t = useTexts(common);
  const [isCopied, setCopied] = useState(false);
  const copy = (): void => { void navigator.clipboard.writeText(text).then(() => { setCopied(true); setTimeout(() => { setCopied(false); }, 1500); }, () => undefined); };
  return <Button size="small" type={label === undefined ? 'text' : 'default'} icon={<Icon name={isCopied ? 'check' : 'copy'} size={16} />} aria-label={t('copy')} onClick={copy}>{label === undefined ? undefined : isCopied ? t('copied') : label}</Button>;
}
