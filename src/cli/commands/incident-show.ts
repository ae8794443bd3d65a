import type { Command } from 'commander';
import { hostname } from 'node:os';
import { askControl } from '../../agent/control.ts';
import type { ToldStory } from '../../agent/stories.ts';
import { StoryBook } from '../../agent/story-book.ts';
import type { WholeIncident } from '../../agent/incidents.ts';
import type { Alert } from '../../core/alert.ts';
import type { Text } from '../../core/text.ts';
import { type MoatError, saidBy } from '../../core/error.ts';
import type { Story } from '../../core/incident.ts';
import { withEchoes } from '../../engine/incident/story-echoes.ts';
import { incidentOf, seedsOf, wholeOf } from '../../engine/incident/seeds.ts';
import { reachOf } from '../../engine/incident/story-reach.ts';
import { gapsBetween } from '../../engine/watched.ts';
import { openSqliteStore, type SqliteStore } from '../../stores/sqlite/store.ts';
import { askMoat, targetOf } from '../ask.ts';
import { colour } from '../colour.ts';
import { looking } from '../looking.ts';
import { dataFolder } from '../globals.ts';
import { alertLines, incidentHead, incidentJson, incidentTail } from '../incident-text.ts';
import { Output } from '../output.ts';
import type { Cli } from '../program.ts';
import { storyJson } from '../story-json.ts';
import { storyLines } from '../story-text.ts';
import { clock, jsonLine, safe } from '../terminal.ts';

interface ShowOptions { json?: boolean; full?: boolean; timeline?: boolean; tree?: boolean; alerts?: boolean; limit?: number }

interface Told { story?: Story; why?: Text }

const usualWidth = 100;
const alertsMost = 50;
const beforeMs = 24 * 3_600_000;

export function addIncidentShow(group: Command, { program, lang, t }: Cli): void {
  group.command('show <id>')
    .description(t('一个事件的全貌：定级与时限、怎么进来的、按时间的经过、进程树、波及范围、看不到的时间、任务与记录', 'all of one incident: level and clock, how they came in, what happened in order, the process tree, how far it reaches, what could not be seen, tasks and notes'))
    .option('--timeline', t('只看按时间的经过', 'only what happened in order'))
    .option('--tree', t('只看进程树', 'only the process tree'))
    .option('--alerts', t('也逐条列出告警', 'list each alert as well'))
    .option('--full', t('不折叠', 'fold nothing'))
    .option('--json', t('输出 JSON：事件，与经过的图（nodes、edges、steps、gaps、echoes、reached）', 'print JSON: the incident, and the graph of its story (nodes, edges, steps, gaps, echoes, reached)'))
    .addHelpText('after', t('\n经过由运行中的 Moat 讲述；没有运行时给出最近保存的一份。时间为本机时区。', '\nThe running Moat tells the story; when none runs, the one that was kept last is shown. Times are local.'))
    .action(async (id: string, options: ShowOptions) => {
      if (await targetOf(program) !== undefined) {
        const incident = await looking(program, (look) => look.incident(id));
        const told = await farStory(incident.id);
        await show(id, options, incident, told, () => alertsFromAfar(incident));
        return;
      }
      const folder = dataFolder(program);
      const store = openSqliteStore({ dir: folder, readOnly: true });
      try {
        const incident = wholeOf(store.incidents, incidentOf(store.incidents, id));
        await show(id, options, incident, await storyOf(incident.id, folder, store), () => seedsOf({ incidents: store.incidents, ledger: store.ledger }, incident.id));
      } finally { store.close(); }
    });

  async function show(id: string, options: ShowOptions, incident: WholeIncident, { story, why }: Told, alertsOf: () => { alerts: readonly Alert[]; left: number } | Promise<{ alerts: readonly Alert[]; left: number }>): Promise<void> {
    const out = new Output();
    if (options.json) {
      out.line(jsonLine({ ...incidentJson(incident), ...(story && { story: storyJson(story) }), ...(why !== undefined && { story_note: why }) }));
      await out.end();
      return;
    }
    if (!incident.id.startsWith(id)) out.line(t(`${safe(id)} 已并入 ${incident.id}`, `${safe(id)} is part of ${incident.id}`));
    const isPart = options.timeline === true || options.tree === true;
    for (const line of incidentHead(incident, lang, Date.now())) out.line(line);
    if (why !== undefined) out.line(colour.yellow(safe(why[lang])));
    if (story) for (const line of storyLines(story, { lang, columns: process.stdout.columns ?? usualWidth, full: options.full === true, timeline: !isPart || options.timeline === true, tree: !isPart || options.tree === true })) out.line(line);
    if (!story || options.alerts) {
      const { alerts, left } = await alertsOf();
      for (const line of alertLines(alerts, left, lang, options.full === true)) out.line(line);
    }
    if (!isPart) for (const line of incidentTail(incident, lang)) out.line(line);
    await out.end();
  }

  async function farStory(id: string): Promise<Told> {
    try {
      return { story: ((await askMoat(program, 'incident-story', { id })) as ToldStory).story };
    } catch (error) {
      if ((error as MoatError).code !== 'refused') throw error;
      return { why: saidBy(error) };
    }
  }

  /** A request each: some, and how many more there are. */
  async function alertsFromAfar({ alerts: ids }: WholeIncident): Promise<{ alerts: readonly Alert[]; left: number }> {
    const shown = ids.slice(0, alertsMost);
    const found = await looking(program, async (look) => { const all: (Alert | undefined)[] = []; for (const id of shown) all.push(await look.alert(id)); return all; });
    return { alerts: found.filter((one) => one !== undefined), left: ids.length - shown.length };
  }

  /** By the agent; else as it was kept, with what logs tell now. */
  async function storyOf(id: string, folder: string, store: SqliteStore): Promise<Told> {
    try {
      return { story: ((await askControl(folder, 'incident-story', { id, asker: process.pid }, { patient: true })) as ToldStory).story };
    } catch (error) {
      const { code } = error as MoatError;
      if (code !== 'not-running' && code !== 'refused') throw error;
      const kept = new StoryBook(store.ledger).get(id);
      const reason = code === 'not-running' ? { zh: `Moat 没有在运行（${hostname()}）`, en: `Moat does not run on ${hostname()}` } : saidBy(error);
      if (kept === undefined) return { why: { zh: `${reason.zh}，也没有保存过这个事件的经过：下面只有告警`, en: `${reason.en}, and no story of this incident was kept: here are its alerts` } };
      // With it come the decoders of all logs, which whoever asks a running Moat does not need.
      const { pastOf, savedWatch } = await import('../../agent/stories.ts');
      const watched = savedWatch(store.ledger);
      const from = kept.story.began - beforeMs, to = Math.min(Date.now(), kept.story.ended + 3_600_000);
      const { past, gaps } = await pastOf(kept.story, { store, watched, from, to, now: Date.now });
      const story = withEchoes(kept.story, past);
      return {
        story: { ...story, reached: reachOf(story, []), gaps: [...(watched ? gapsBetween(watched, kept.story.began - 3_600_000, Date.now()) : []), ...gaps] },
        why: { zh: `${reason.zh}：这是 ${clock(kept.told)} 保存的经过，进程与文件现在如何未知`, en: `${reason.en}: this is the story as it was kept at ${clock(kept.told)}; how processes and files stand now is not known` },
      };
    }
  }
}
