/** How this check makes findings. */
import type { Finding, FixAction } from '../../core/finding.ts';
import type { Level } from '../../core/level.ts';
import { maskSecrets } from '../../core/secrets.ts';
import type { Text } from '../../core/text.ts';
import { finding, lineFact } from '../finding.ts';
import { statOf } from '../look.ts';
import type { ScanContext } from '../port.ts';

export interface More { means?: Text; fix?: Text; commands?: string[][]; actions?: readonly FixAction[]; refs?: string[]; evidence?: Finding['evidence']; line?: { line: number; text: string } }

export function about(path: string, key: string, kind: Finding['kind'], level: Level, title: Text, context: ScanContext, more: More = {}): Finding {
  return finding('mysql', `${path}\0${key}`, {
    kind, level, path, title, time: statOf(context, path)?.changed,
    evidence: [...(more.line ? [lineFact(path, more.line.line, maskSecrets(more.line.text))] : []), ...(more.evidence ?? [])],
    ...(more.means && { means: more.means }),
    fix: { text: more.fix ?? { zh: `核对 ${path}，去掉不是自己写的`, en: `look through ${path} and take out what you did not write` }, commands: more.commands ?? [], ...(more.actions && { actions: more.actions }) },
    refs: more.refs ?? [],
  });
}
