/** Scripts that dpkg keeps of each package and runs at upgrade and removal: nobody's digest covers them. */
import type { Finding } from '../../core/finding.ts';
import { judgeText, languageOfScript, type Judgement } from '../command.ts';
import { fact, finding } from '../finding.ts';
import { judgedFinding, listHook, attempt, readHook, writableFinding, type HookFile, type Place } from '../hooks.ts';
import type { PlaceCheck, ScanContext } from '../port.ts';
import { baseName } from '../shell-words.ts';

const folder = '/var/lib/dpkg/info';
const statusMax = 64 << 20;
const kinds = /\.(preinst|postinst|prerm|postrm|config)$/;
/** Unpacking writes the list and the scripts together; a slow disk takes its time. */
const unpackTime = 60 * 60_000;

const place: Place = {
  check: 'maintainer-scripts', name: { zh: '软件包维护脚本', en: 'maintainer script' },
  means: { zh: '下次升级、重新配置或卸载这个软件包时，dpkg 以 root 运行它。', en: 'dpkg runs it as root when the package is next upgraded, configured or removed.' },
  refs: ['attack:T1546.016'],
};

export const maintainerScripts: PlaceCheck = {
  id: 'maintainer-scripts',
  title: { zh: '软件包维护脚本', en: 'maintainer scripts' },
  blind: { zh: 'dpkg 不记这些脚本的摘要：改动后时间又改回去、内容也不显眼的看不出来；rpm 的脚本在数据库里，这里不看', en: 'dpkg keeps no digests of these scripts: one changed with its times set back and nothing hostile in it cannot be told; those inside an rpm database are not read' },
  group: 'persistence',
  scope: 'tree',
  everyMinutes: 360,
  async *run(context) {
    const packages = packagesOf(context);
    for (const path of listHook(context, folder)) {
      if (!kinds.test(path)) continue;
      const file = readHook(context, path);
      if (file) yield* script(file, context, packages);
    }
  },
};

/** Names of packages that dpkg knows, with and without their architecture; undefined when there is no database. */
function packagesOf(context: ScanContext): ReadonlySet<string> | undefined {
  const file = readHook(context, '/var/lib/dpkg/status', statusMax);
  return file && new Set([...file.text.matchAll(/^Package:\s*(\S+)/gm)].map(([, name]) => name!));
}

async function* script(file: HookFile, context: ScanContext, packages: ReadonlySet<string> | undefined): AsyncIterable<Finding> {
  const { path, stat, text } = file;
  const open = writableFinding(place, context, path, stat);
  if (open) yield open;
  const stem = baseName(path).replace(kinds, '');
  const name = stem.replace(/:.*$/, '');
  const judged = grave(await judgeText(text, context, { file: path, language: languageOfScript(path, text) }));
  const found = judgedFinding(place, { path, key: 'content', judged, evidence: [], time: stat.changed, user: 'root', fix: { zh: `从软件源重新下载 ${name} 并比较；先不要升级或卸载它`, en: `fetch ${name} anew and compare; do not upgrade or remove it before` }, commands: [['apt-get', 'download', name]] });
  if (found) yield found;
  if (packages && !packages.has(name)) {
    yield finding('maintainer-scripts', `${path}\0nobody`, {
      kind: 'intrusion', level: 'medium', path, time: stat.changed, title: { zh: `维护脚本 ${baseName(path)} 不属于任何软件包`, en: `the maintainer script ${baseName(path)} belongs to no package` },
      evidence: [fact({ zh: '软件包数据库', en: 'database of packages' }, '/var/lib/dpkg/status')], means: place.means, fix: { text: { zh: '查看内容，确认后移走', en: 'look at it and move it away' }, commands: [] }, refs: place.refs,
    });
    return;
  }
  const list = attempt(context, path, () => context.tree.stat(`${folder}/${stem}.list`));
  // Scripts carry the time at which the package was built; the list the time at which it was installed.
  if (list && stat.modified > list.modified + unpackTime) {
    yield finding('maintainer-scripts', `${path}\0changed`, {
      kind: 'notice', level: 'medium', path, time: stat.modified, title: { zh: `维护脚本 ${baseName(path)} 在装包之后被改过`, en: `the maintainer script ${baseName(path)} was changed after its package was installed` },
      evidence: [fact({ zh: '装包时间', en: 'installed' }, new Date(list.modified).toISOString()), fact({ zh: '脚本修改时间', en: 'script changed' }, new Date(stat.modified).toISOString())],
      means: place.means, fix: { text: { zh: '重新下载软件包比较', en: 'fetch the package anew and compare' }, commands: [['apt-get', 'download', name]] }, refs: place.refs,
    });
  }
}

/** Packages stop services, write account files and fetch data: only what none does counts. */
const usual = /^T1(?:136|098|105|059\.004|543|574|036|564|546|548)/;
const grave = ({ reasons, programs }: Judgement): Judgement => {
  const kept = reasons.filter(({ level, kind, attack }) => kind === undefined && (level === 'critical' || level === 'high') && !(level === 'high' && attack.length > 0 && attack.every((id) => usual.test(id) && id !== 'T1059.004' && id !== 'T1105')));
  return { level: kept[0]?.level, kind: 'intrusion', reasons: kept, programs };
};
