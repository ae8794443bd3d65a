/**
 * The pages, in the order of the navigation. A page is a folder here with `page.tsx`, which exports `Page`; it is loaded when it is first
 * opened. What has no folder yet is not in the navigation.
 */
import type { ComponentType } from 'react';
import type { IconName } from '../parts/icon.tsx';
import type { Text } from '../text/lang.ts';

export interface PageEntry { id: IconName; /** After `g`. */ key: string; title: Text; /** Without this permission it says so instead; left out where everybody may look after themselves. */ needs?: string; load(): Promise<{ Page: ComponentType }> }

const found = import.meta.glob<{ Page: ComponentType }>('./*/page.tsx');
const planned: readonly Omit<PageEntry, 'load'>[] = [
  { id: 'overview', key: 'o', needs: 'read', title: { zh: '总览', en: 'Overview' } },
  { id: 'alerts', key: 'a', needs: 'read', title: { zh: '告警', en: 'Alerts' } },
  { id: 'incidents', key: 'i', needs: 'read', title: { zh: '事件', en: 'Incidents' } },
  { id: 'hosts', key: 'h', needs: 'read', title: { zh: '主机', en: 'Hosts' } },
  { id: 'hunt', key: 'u', needs: 'hunt', title: { zh: '猎捕', en: 'Hunt' } },
  { id: 'protection', key: 'p', needs: 'read', title: { zh: '防护', en: 'Protection' } },
  { id: 'posture', key: 'c', needs: 'read', title: { zh: '体检', en: 'Posture' } },
  { id: 'matrix', key: 'm', needs: 'read', title: { zh: '矩阵', en: 'Matrix' } },
  { id: 'rules', key: 'r', needs: 'read', title: { zh: '规则', en: 'Rules' } },
  { id: 'system', key: 's', title: { zh: '系统', en: 'System' } },
];

export const pages: readonly PageEntry[] = planned.flatMap((entry) => {
  const load = found[`./${entry.id}/page.tsx`];
  return load ? [{ ...entry, load }] : [];
});
export const pathOf = ({ id }: Pick<PageEntry, 'id'>): string => (id === 'overview' ? '/' : `/${id}`);
