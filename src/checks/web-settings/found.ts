/** How this check makes findings. */
import type { Finding, FixAction } from '../../core/finding.ts';
import type { Level } from '../../core/level.ts';
import type { Text } from '../../core/text.ts';
import { finding } from '../finding.ts';
import { statOf } from '../look.ts';
import type { ScanContext } from '../port.ts';

interface More { means?: Text; fix?: Text; commands?: string[][]; actions?: readonly FixAction[]; refs?: string[]; evidence: Finding['evidence'] }

export function about(path: string, key: string, kind: Finding['kind'], level: Level, title: Text, context: ScanContext, more: More): Finding {
  return finding('web-settings', `${path}\0${key}`, {
    kind, level, path, title, evidence: more.evidence, time: statOf(context, path)?.changed, ...(more.means && { means: more.means }),
    fix: { text: more.fix ?? { zh: `核对 ${path}，去掉不是自己写的`, en: `look through ${path} and take out what you did not write` }, commands: more.commands ?? [], ...(more.actions && { actions: more.actions }) }, refs: more.refs ?? [],
  });
}
