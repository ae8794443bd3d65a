/**
 * A file that came from the network, or that a web or database server put down, is run: directly, through an
 * interpreter or through the loader. The origin graph knows who wrote it and what that process had spoken to.
 */
import type { Event } from '../../core/gen/event.ts';
import type { Level } from '../../core/level.ts';
import type { ProcessNode, Writer } from '../../core/lineage.ts';
import type { Behaviour, BehaviourContext, BehaviourRun } from '../../core/ports.ts';
import { fetchedBy, fetchesByAddress, isByTrade, usualFetchers, type Fetched } from '../fetched.ts';
import { isBuildPlace, isHidden, oddPlace } from '../places.ts';
import { programOf, short } from '../process.ts';
import { kindOf, plainName, scriptOf } from '../program-kind.ts';
import { provenanceOf } from '../provenance.ts';
import { list, number } from '../settings.ts';
import { Told } from '../told.ts';
import { isDatabase, isExposed, isPersonal, labelOf, managerAbove, originGroup, originText, peerText } from '../tree.ts';

export const downloadRun: Behaviour = {
  id: 'download-run',
  title: { zh: '下载后执行', en: 'Downloaded and run' },
  means: { zh: '刚下载的文件马上被运行，入侵者装工具时常这样', en: 'A file was run right after it was downloaded, as intruders do to bring their tools' },
  advice: { zh: '看下载地址和是谁下的；不是您在安装软件就冻结该进程并把文件移入隔离区。', en: 'Look at the address and at who fetched it; if nobody installs anything, freeze the process and put the file into quarantine.' },
  blind: {
    zh: '写入未被看到的文件（传感器启动前、容器内其他挂载、超出记忆的旧文件）无从得知来源；直接经管道交给 shell 的脚本没有文件，由规则判断。需要来源图。',
    en: 'Nothing is known of files whose writing was not seen (before the sensor began, or forgotten since). A script piped straight into a shell leaves no file; rules judge that. Needs the origin graph.',
  },
  kinds: ['process_creation'],
  contains: ['behaviour.odd-exec-place', 'run_from_hidden_place', 'run_from_temporary_folder'],
  settings: {
    minutes: { default: 60, min: 1, max: 1440, text: { zh: '写入后多少分钟内执行才算', en: 'minutes between writing and running that count' } },
    local: { default: false, text: { zh: '从本机地址（回环）下载也算', en: 'count downloads from the machine itself (loopback)' } },
    tools: {
      default: [...usualFetchers],
      text: { zh: '下载并运行程序属其本职的工具', en: 'tools whose work it is to fetch programs and run them' },
    },
    servers: {
      default: ['jenkins', 'gitlab', 'gitea', 'forgejo', 'gogs', 'teamcity', 'drone', 'woodpecker', 'rundeck', 'airflow', 'n8n', 'semaphore'],
      text: { zh: '会写出脚本再执行的服务（单元名开头）', en: 'services that write scripts and run them (how their unit begins)' },
    },
  },
  open,
};

interface Story { file: string; isScript: boolean; writer: Writer; fetched: Fetched | undefined }

function open(context: BehaviourContext): BehaviourRun {
  const windowMs = number(context, 'minutes') * 60_000;
  const local = context.settings['local'] === true;
  const tools = new Set(list(context, 'tools'));
  const servers = list(context, 'servers');
  const told = new Told(8000, () => { context.count('downloaded files told and forgotten'); });

  /** What is run and who wrote it, when that can be told. */
  function storyOf(event: Event, node: ProcessNode): Story | undefined {
    const path = event.process_path;
    if (path === undefined) return undefined;
    if (provenanceOf(context, path, node.container) !== 'owned') {
      const writer = node.writtenBy ?? context.lineage.writer({ path, inode: event.file_inode, device: event.file_device });
      const story = writer && ofWriter(path, false, writer, event.time);
      if (story) return story;
    }
    const script = scriptOf(path, event.process_cmdline, event.process_cwd);
    if (script === undefined || provenanceOf(context, script, node.container) === 'owned') return undefined;
    const writer = context.lineage.writer({ path: script });
    return writer && ofWriter(script, true, writer, event.time);
  }

  function ofWriter(file: string, isScript: boolean, writer: Writer, time: number): Story | undefined {
    const age = time - writer.time;
    const fromServer = isExposed(writer.process.origin);
    if (age < -60_000 || (age > windowMs && !fromServer)) return undefined;
    const fetched = fetchedBy(writer.process, writer.time, local);
    return fetched || fromServer ? { file, isScript, writer, fetched } : undefined;
  }

  function judge(event: Event, node: ProcessNode, story: Story): Level | undefined {
    const { file, isScript, writer, fetched } = story;
    const source = writer.process;
    const odd = oddPlace(file);
    if (isExposed(source.origin)) {
      if (servers.some((name) => source.origin.name?.startsWith(name))) return undefined;
      // A site that updates its own scripts, run by the same language.
      if (isScript && odd === undefined && plainName(source.path).replace('php-fpm', 'php') === plainName(event.process_path)) return undefined;
      return !isScript || odd !== undefined || isDatabase(source.origin) ? 'critical' : 'high';
    }
    if (isExposed(node.origin)) return isScript && odd === undefined ? 'high' : 'critical';
    if (isByTrade(source, tools) || (fetched && isByTrade(fetched.by, tools)) || isBuildPlace(file)) return undefined;
    if (managerAbove(source) !== undefined || managerAbove(node) !== undefined) return undefined;
    // A program that fetches its own next version.
    if (odd === undefined && !isScript && sameFolder(source.path, file) && provenanceOf(context, source.path, source.container) !== 'owned') return undefined;
    const byLoader = isScript && kindOf(event.process_path, event.process_cmdline) === undefined;
    const byAddress = fetchesByAddress(fetched?.by.cmdline);
    if (isPersonal(node.origin) || node.origin.kind === 'cloud') {
      if (odd === 'temporary') return isHidden(file) || byLoader ? 'high' : byAddress ? 'medium' : 'low';
      if (odd !== undefined) return 'high';
      return byAddress ? 'medium' : undefined;
    }
    if (odd !== undefined || byLoader) return isHidden(file) || odd === 'shared' || byAddress || node.origin.kind === 'unknown' ? 'critical' : 'high';
    return byAddress ? 'high' : 'medium';
  }

  return {
    observe(event) {
      if (event.action === 'process-seen') return;
      const node = context.lineage.of(event);
      if (node === undefined) return;
      const story = storyOf(event, node);
      if (story === undefined) return;
      const level = judge(event, node, story);
      if (level === undefined) return;
      const key = `${level}:${story.file}`.slice(0, 400);
      if (told.lately(key, event.time, 600_000)) return;
      const { writer, fetched } = story;
      const from = originText(writer.process.origin);
      const seconds = Math.max(0, (event.time - writer.time) / 1000);
      context.emit({
        ruleId: 'behaviour.download-run', title: downloadRun.title, level,
        summary: fetched ? {
          zh: '{fetcher} 从 {peer} 下载的 {file} 在 {seconds} 秒后被执行（{program}，PID {shown_pid}，来自{origin_zh}）：{command}',
          en: '{file}, fetched by {fetcher} from {peer}, was run {seconds} s later ({program}, pid {shown_pid}, begun by {origin_en}): {command}',
        } : {
          zh: '{writer}（{from_zh}）写入的 {file} 在 {seconds} 秒后被执行（{program}，PID {shown_pid}，来自{origin_zh}）：{command}',
          en: '{file}, written by {writer} ({from_en}), was run {seconds} s later ({program}, pid {shown_pid}, begun by {origin_en}): {command}',
        },
        attack: ['T1105', 'T1204.002'], matrix: ['利用远程代码执行漏洞执行', '利用后门文件执行'],
        key: short(story.file, 400), time: event.time, events: [event], count: 1,
        group: {
          ...originGroup(node, event), file: short(story.file, 300), fetcher: fetched ? labelOf(fetched.by) : '?', peer: peerText(fetched?.peer), writer: labelOf(writer.process),
          from_zh: from.zh, from_en: from.en, seconds: seconds < 10 ? seconds.toFixed(1) : seconds.toFixed(0), program: short(programOf(event), 160), shown_pid: String(event.pid ?? '?'), command: short(event.process_cmdline ?? ''),
        },
      });
    },
    size: () => told.size,
  };
}

function sameFolder(program: string | undefined, file: string): boolean {
  if (program === undefined) return false;
  const folder = program.slice(0, program.lastIndexOf('/') + 1).replace(/s?bin\/$/, '');
  return folder.split('/').length > 3 && file.startsWith(folder);
}
