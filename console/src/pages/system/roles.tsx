/** What each role may do, as a table that is read at a glance. */
import { useMemo } from 'react';
import type { RoleEntry } from '../../../../src/api/contract/accounts.ts';
import { useGet } from '../../api/hooks.ts';
import { useMe } from '../../api/session.tsx';
import { Icon } from '../../parts/icon.tsx';
import { Card } from '../../parts/page.tsx';
import { Shown } from '../../parts/states.tsx';
import { useTexts } from '../../text/lang.ts';
import { Tag } from './fields.tsx';
import { words } from './words.ts';

export function Roles() {
  const t = useTexts(words);
  const { role: mine } = useMe();
  const roles = useGet<{ items: RoleEntry[] }>('/roles');
  // The role that may most names all there are.
  const permissions = useMemo(() => [...new Set((roles.data?.items ?? []).flatMap(({ may }) => may))], [roles.data]);
  return (
    <Card title={t('roles')}>
      <p className="sy-how">{t('rolesHow')}</p>
      <Shown of={roles} rows={8}>{({ items }) => (
        <div className="sy-scroll" role="region" aria-label={t('roles')} tabIndex={0}>
          <table className="sy-matrix">
            <thead><tr><th scope="col">{t('permission')}</th>{items.map(({ role }) => <th key={role} scope="col">{t(`role_${role}`)}{role === mine && <div><Tag>{t('you')}</Tag></div>}</th>)}</tr></thead>
            <tbody>{permissions.map((permission) => (
              <tr key={permission}><th scope="row">{t(`may_${permission}`)}<span className="m-quiet">{t(`mayHow_${permission}`)}</span></th>{items.map(({ role, may }) => <td key={role}>{may.includes(permission) ? <span className="sy-yes" role="img" aria-label={t('yes')}><Icon name="check" size={18} /></span> : <span className="m-faint" role="img" aria-label={t('no')}>–</span>}</td>)}</tr>
            ))}</tbody>
          </table>
        </div>
      )}</Shown>
    </Card>
  );
}
