/** What several sections ask for and show: a role in plain words, the hosts that something is for. */
import { Checkbox, Input, Radio, Select } from 'antd';
import type { ReactNode } from 'react';
import type { Role, RoleEntry, Scope } from '../../../../src/api/contract/accounts.ts';
import { useGet } from '../../api/hooks.ts';
import { useMe } from '../../api/session.tsx';
import { Inert } from '../../parts/inert.tsx';
import { Shown } from '../../parts/states.tsx';
import { Field } from '../../parts/sure.tsx';
import { useTexts } from '../../text/lang.ts';
import { scopeOf } from './said.ts';
import { words } from './words.ts';

const environments = ['dev', 'test', 'production'] as const;

export const Tag = ({ tone = 'plain', children }: { tone?: 'plain' | 'good' | 'warn' | 'bad'; children: ReactNode }) => <span className={`sy-tag sy-tag-${tone}`}>{children}</span>;

export const Facts = ({ items }: { items: readonly (readonly [name: string, value: ReactNode])[] }) => <dl className="sy-facts">{items.filter(([, value]) => value !== undefined && value !== false).map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>;

/** One's own, before something is made that lets somebody in. */
export function OwnPassword({ value, onChange }: { value: string; onChange: (password: string) => void }) {
  const t = useTexts(words);
  return <Field label={t('passwordOwn')} hint={t('passwordOwnHow')}><Input.Password autoComplete="current-password" value={value} maxLength={1000} onChange={({ target }) => { onChange(target.value); }} /></Field>;
}

/** Those that this person may hand out, with what each means. */
export function RoleField({ value, onChange, only }: { value: Role | undefined; onChange: (role: Role) => void; /** Roles that make sense here. */ only?: (entry: RoleEntry) => boolean }) {
  const t = useTexts(words);
  const { may } = useMe();
  const roles = useGet<{ items: RoleEntry[] }>('/roles');
  return (
    <div className="m-sure-field"><span className="m-quiet" id="sy-role">{t('role')}</span>
      <Shown of={roles} rows={3}>{({ items }) => (
        <Radio.Group aria-labelledby="sy-role" className="sy-roles-field" value={value} onChange={({ target }) => { onChange(target.value as Role); }}>
          {items.filter((entry) => (only ?? ((one: RoleEntry) => one.may.every((permission) => may.includes(permission))))(entry)).map(({ role }) => <Radio key={role} value={role}><b>{t(`role_${role}`)}</b><span className="m-quiet sy-role-how">{t(`roleHow_${role}`)}</span></Radio>)}
        </Radio.Group>
      )}</Shown>
    </div>
  );
}

export interface ScopeDraft { isLimited: boolean; groups: string[]; environments: string[]; mayLook: boolean }
export const draftOf = (scope: Scope | undefined): ScopeDraft => ({ isLimited: scope !== undefined, groups: [...scope?.groups ?? []], environments: [...scope?.environments ?? []], mayLook: scope?.outside === 'read' });
/** Undefined: all hosts. */
export const scopeFrom = ({ isLimited, groups, environments: chosen, mayLook }: ScopeDraft): ReturnType<typeof scopeOf> => (isLimited ? scopeOf(groups, chosen, mayLook) : undefined);
/** Limited, and to nothing. */
export const isEmptyScope = (draft: ScopeDraft): boolean => draft.isLimited && scopeFrom(draft) === undefined;

export function ScopeField({ value, onChange }: { value: ScopeDraft; onChange: (scope: ScopeDraft) => void }) {
  const t = useTexts(words);
  return (
    <>
      <Checkbox checked={value.isLimited} onChange={({ target }) => { onChange({ ...value, isLimited: target.checked }); }}>{t('scopeLimit')}</Checkbox>
      {value.isLimited && <>
        <Field label={t('environments')}><Select mode="multiple" aria-label={t('environments')} value={value.environments} placeholder={t('environmentsAll')} options={environments.map((one) => ({ value: one, label: t(`env_${one}`) }))} onChange={(chosen: string[]) => { onChange({ ...value, environments: chosen }); }} /></Field>
        <Field label={t('groups')} hint={t('groupsHow')}><Select mode="tags" aria-label={t('groups')} value={value.groups} placeholder={t('groupsAll')} maxCount={100} open={false} suffixIcon={null} tokenSeparators={[',', ' ']} onChange={(groups: string[]) => { onChange({ ...value, groups }); }} /></Field>
        <div><Checkbox checked={value.mayLook} onChange={({ target }) => { onChange({ ...value, mayLook: target.checked }); }}>{t('scopeLook')}</Checkbox><p className="m-quiet">{t('scopeLookHow')}</p></div>
      </>}
    </>
  );
}

export function ScopeText({ scope }: { scope: Scope | undefined }) {
  const t = useTexts(words);
  if (scope === undefined) return <span className="m-quiet">{t('allHosts')}</span>;
  const said = [scope.environments?.map((one) => t(`env_${one}`)).join(', '), scope.groups?.join(', '), scope.outside === 'read' ? t('looksElsewhere') : undefined].filter((one) => one !== undefined && one !== '');
  return <Inert most={200}>{said.join(' · ')}</Inert>;
}
