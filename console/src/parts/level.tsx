/** How bad something is: colour, shape and word, so that nobody depends on colour. */
import type { Level } from '../api/types.ts';
import { common } from '../text/common.ts';
import { useTexts } from '../text/lang.ts';
import './level.css';

export function LevelTag({ level }: { level: Level }) {
  const t = useTexts(common);
  return <span className={`m-level m-level-${level}`}><span className="m-level-dot" aria-hidden="true" />{t(level)}</span>;
}
