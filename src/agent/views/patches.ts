/** Updates that the machine's own package lists know of. Nothing is fetched: the lists are as old as they are, and that is told. */
import { statSync } from 'node:fs';
import { reasonOf } from '../../core/error.ts';
import type { Run } from '../../linux/run.ts';

const linesMax = 20_000;
const askMs = 30_000;

/** apt: `apt-get -s dist-upgrade` works out what would be done from the lists as they lie there. */
export async function patchesOf(run: Run): Promise<object> {
  const stamp = statSync('/var/lib/apt/lists', { throwIfNoEntry: false });
  if (!stamp) return { items: [], why: { zh: '只会看 apt 的软件包列表，本机没有', en: 'only lists of apt are understood, and there are none here' } };
  try {
    const { code, stdout, stderr } = await run('apt-get', ['-s', '-q', '-o', 'Debug::NoLocking=true', 'dist-upgrade'], { timeoutMs: askMs, outputMax: 8 << 20 });
    if (code !== 0) return { items: [], why: { zh: `apt 没能算出更新：${stderr.slice(0, 300)}`, en: `apt could not work out updates: ${stderr.slice(0, 300)}` } };
    const items = stdout.split('\n', linesMax).flatMap((line) => {
      // Inst openssl [3.0.1-1] (3.0.2-1 Debian:12/stable, Debian-Security:12/stable-security [amd64]) []
      const match = /^Inst (\S{1,200}) \[(\S{1,200})\] \((\S{1,200}) ([^[)]{1,500})/.exec(line);
      if (!match) return [];
      const [, name = '', installed = '', available = '', source = ''] = match;
      return [{ name, installed, available, security: /security/i.test(source), source: source.trim() }];
    });
    return { as_of: stamp.mtimeMs, items: items.sort((a, b) => Number(b.security) - Number(a.security) || (a.name < b.name ? -1 : 1)) };
  } catch (error) { return { items: [], why: reasonOf(error) }; }
}
