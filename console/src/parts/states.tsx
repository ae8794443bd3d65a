/** What stands where there is nothing else: waiting, nothing there, not permitted, something went wrong. */
import { Button, Skeleton } from 'antd';
import { Component, type ErrorInfo, type ReactNode } from 'react';
import { ApiError } from '../api/client.ts';
import { useAskAgain } from '../api/hooks.ts';
import { useSession } from '../api/session.tsx';
import { common } from '../text/common.ts';
import { useSay, useTexts } from '../text/lang.ts';
import { Icon, type IconName } from './icon.tsx';
import { inertString } from './inert-text.ts';
import './states.css';

interface NoticeProps { icon: IconName; title: ReactNode; children?: ReactNode; action?: ReactNode; tone?: 'plain' | 'bad' | 'warn' | 'good'; /** In a line, inside something. */ compact?: boolean; /** A card of its own that goes across the page. */ bar?: boolean; /** It may be put away. */ onClose?: () => void }
export function Notice({ icon, title, children, action, tone = 'plain', compact = false, bar = false, onClose }: NoticeProps) {
  const t = useTexts(common);
  const end = (action !== undefined || onClose) && <div className="m-notice-end">{action}{onClose && <button type="button" className="m-notice-close" aria-label={t('close')} onClick={onClose}><Icon name="close" size={15} /></button>}</div>;
  return (
    <div className={`m-notice m-notice-${tone}${bar ? ' m-notice-bar' : compact ? ' m-notice-compact' : ''}`} role={tone === 'bad' ? 'alert' : 'status'}>
      <span className="m-notice-icon"><Icon name={icon} size={compact || bar ? 20 : 26} /></span>
      <div className="m-notice-title">{title}</div>
      {children !== undefined && <div className="m-notice-text">{children}</div>}
      {end}
    </div>
  );
}

/** The shape of what comes. */
export const Loading = ({ rows = 4 }: { rows?: number }) => {
  const t = useTexts(common);
  return <div className="m-pad" role="status" aria-label={t('loading')}><Skeleton active title={false} paragraph={{ rows }} /></div>;
};

export const Empty = ({ title, children, action, icon = 'check' }: { title?: string; children?: ReactNode; action?: ReactNode; icon?: IconName }) => {
  const t = useTexts(common);
  return <Notice icon={icon} title={title ?? t('empty')} action={action}>{children}</Notice>;
};

export function Denied() {
  const t = useTexts(common);
  const { standing } = useSession();
  const { role = '', elsewhere = false, may = [] } = 'me' in standing ? standing.me : {};
  return <Notice icon="lock" title={t('denied')}>{elsewhere ? t(may.includes('read') ? 'deniedLook' : 'deniedElsewhere') : t('deniedHow', { role })}</Notice>;
}

export function Failure({ error, retry, compact = false }: { error: unknown; retry?: () => void; compact?: boolean }) {
  const t = useTexts(common);
  const say = useSay();
  if (error instanceof ApiError) {
    if (error.code === 'not-permitted') return <Denied />;
    if (error.code === 'unreachable') return <Notice icon="cloud" title={t('offline')} compact={compact} />;
    return <Notice icon="warn" tone="bad" compact={compact} title={error.code === 'not-found' ? t('notFound') : t('failed')} action={retry && <Button onClick={retry}>{t('retry')}</Button>}>{inertString(say(error.text))}{error.hint !== undefined && <> · <code>{inertString(error.hint)}</code></>}</Notice>;
  }
  return <Notice icon="warn" tone="bad" compact={compact} title={t('failed')}>{inertString(error instanceof Error ? error.message : String(error))}</Notice>;
}

interface Asked<T> { data: T | undefined; error: unknown; isPending: boolean }
/** Waits, says what went wrong, or shows what came; what came once stays when a later asking fails. */
export function Shown<T>({ of, rows, children }: { of: Asked<T>; rows?: number; children: (data: T) => ReactNode }) {
  const again = useAskAgain();
  if (of.data !== undefined) return children(of.data);
  if (of.error !== null && of.error !== undefined) return <Failure error={of.error} retry={again} />;
  return <Loading {...(rows !== undefined && { rows })} />;
}

function Broken({ error }: { error: Error }) {
  const t = useTexts(common);
  return <Notice icon="warn" tone="bad" title={t('brokenPage')} action={<Button onClick={() => { location.reload(); }}>{t('reload')}</Button>}>{t('brokenPageHow')}<pre className="m-notice-fault">{inertString(error.message)}</pre></Notice>;
}

/** A page that fails does not take the others with it. React offers this as a class alone. */
export class Boundary extends Component<{ children: ReactNode }, { error?: Error }> {
  override state: { error?: Error } = {};
  static getDerivedStateFromError(error: unknown): { error: Error } { return { error: error instanceof Error ? error : new Error(String(error)) }; }
  override componentDidCatch(error: Error, info: ErrorInfo): void { console.error(error, info.componentStack); }
  override render(): ReactNode { return this.state.error ? <Broken error={this.state.error} /> : this.props.children; }
}
