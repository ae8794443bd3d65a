/** What stands at the right of the bar: whether it is live, language, theme, account. */
import { Drawer, Dropdown, Tooltip } from 'antd';
import { lazy, Suspense, useState } from 'react';
import { useMe, useSession } from '../api/session.tsx';
import { useStreamState } from '../api/stream.ts';
import { Icon } from '../parts/icon.tsx';
import { Loading } from '../parts/states.tsx';
import { setLang, useLang, useTexts } from '../text/lang.ts';
import { setMode, useMode, useTheme } from '../theme/mode.ts';
import { words } from './words.ts';

const Passkeys = lazy(async () => ({ default: (await import('../pages/system/passkeys.tsx')).Passkeys }));

export function LiveSign() {
  const t = useTexts(words);
  const state = useStreamState();
  const said = t(state);
  return <Tooltip title={t(state === 'cut' ? 'cutHow' : 'liveHow')}><span className={`m-live m-live-${state}`} role="status"><span className="m-live-dot" aria-hidden="true" />{said}</span></Tooltip>;
}

/** Language and theme also stand where nobody is logged on. */
export function Looks() {
  const t = useTexts(words);
  const lang = useLang();
  const mode = useMode();
  const theme = useTheme();
  return (
    <>
      <button type="button" className="m-icon-button m-lang" lang={lang === 'zh' ? 'en' : 'zh-CN'} onClick={() => { setLang(lang === 'zh' ? 'en' : 'zh'); }}>{lang === 'zh' ? 'English' : '中文'}</button>
      <Dropdown trigger={['click']} placement="bottomRight" menu={{ selectedKeys: [mode], onClick: ({ key }) => { setMode(key as 'light' | 'dark' | 'system'); }, items: (['light', 'dark', 'system'] as const).map((key) => ({ key, icon: <Icon name={key === 'light' ? 'sun' : key === 'dark' ? 'moon' : 'screen'} size={16} />, label: t(key) })) }}>
        <button type="button" className="m-icon-button" aria-label={t('theme')}><Icon name={theme === 'dark' ? 'moon' : 'sun'} /></button>
      </Dropdown>
    </>
  );
}

export function OwnMenus({ onKeys }: { onKeys: () => void }) {
  const t = useTexts(words);
  const me = useMe();
  const { leave } = useSession();
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <Drawer open={isOpen} size={460} title={t('passkeys')} destroyOnHidden onClose={() => { setOpen(false); }} closable={{ 'aria-label': t('closeThing') }}><Suspense fallback={<Loading />}><Passkeys /></Suspense></Drawer>
      <button type="button" className="m-icon-button m-not-phone" aria-label={t('keys')} onClick={onKeys}><Icon name="keys" /></button>
      <Looks />
      <Dropdown trigger={['click']} placement="bottomRight" menu={{
        items: [
          { key: 'who', disabled: true, label: <span className="m-who"><b>{me.name}</b><span>{t(`role_${me.role}` as 'role_owner')}</span>{!me.totp && me.passkeys === 0 && <span>{t('noTotp')}</span>}</span> },
          { type: 'divider' },
          { key: 'passkeys', icon: <Icon name="lock" size={16} />, label: t('passkeys'), onClick: () => { setOpen(true); } },
          { key: 'out', icon: <Icon name="out" size={16} />, label: t('logOff'), onClick: () => { void leave(); } },
        ],
      }}>
        <button type="button" className="m-icon-button m-person" aria-label={`${t('account')} ${me.name}`}><span aria-hidden="true">{String.fromCodePoint(me.name.codePointAt(0) ?? 63).toUpperCase()}</span></button>
      </Dropdown>
    </>
  );
}
