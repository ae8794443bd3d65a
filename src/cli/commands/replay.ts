import type { Alert } from '../../core/alert.ts';
import type { Event } from '../../core/gen/event.ts';
import { shownEvent } from '../../core/secrets.ts';
import { eventJson } from '../../engine/event-json.ts';
import { alertJson, alertLines } from '../alert-text.ts';
import { formatNames } from '../format-names.ts';
import { configOf } from '../globals.ts';
import { Output } from '../output.ts';
import { progressLine } from '../progress.ts';
import type { Cli } from '../program.ts';
import { clock, jsonLine, safe } from '../terminal.ts';

interface Options { format: string; rules: string[]; events?: boolean; json?: boolean }

export function addReplay(cli: Cli): void {
  const { program, lang, t } = cli;
  program.command('replay')
    .description(t('把录下的日志当作实时日志跑一遍，打印告警与行号', 'run recorded logs as if they were live and print the alerts with line numbers'))
    .argument('<file...>', t('日志文件（可为 .gz；- 表示标准输入）', 'log files (.gz allowed; - is standard input)'))
    .option('--format <name>', t('日志格式，默认自动识别', 'log format; told by itself by default'), 'auto')
    .option('--rules <dir>', t('另加的规则目录（可多次）', 'one more folder of rules (may be repeated)'), (dir: string, all: string[]) => [...all, dir], [])
    .option('--events', t('打印规范化事件而不是告警', 'print the normalised events instead of alerts'))
    .option('--json', t('每行一个 JSON 对象', 'one JSON object a line'))
    .addHelpText('after', `\n${t('可用格式', 'Formats')}: ${formatNames.join(', ')}`)
    .action(async (files: string[], options: Options) => {
      const [{ openDetector }, { openGeo }, { replay }] = await Promise.all([import('../../agent/detector.ts'), import('../../agent/geo.ts'), import('../../agent/replay.ts')]);
      const config = await configOf(program);
      const out = new Output();
      const detect = options.events ? undefined : openDetector({ config, ruleFolders: options.rules, warn: (text) => console.error(text) });
      const geo = openGeo(config.geo.country);
      const progress = progressLine(t('读取', 'reading'), process.stderr.isTTY && !process.stdout.isTTY);
      const result = await replay({
        files, format: options.format, lang, detect: detect?.detector,
        exceptions: detect?.exceptions ?? [],
        foldGapMs: config.alerts.fold_hours * 3_600_000,
        country: (address) => geo.country(address),
        ...(options.events && { onEvent: (event: Event) => out.line(options.json ? jsonLine(eventJson(shownEvent(event))) : eventLine(shownEvent(event))) }),
        onProgress: async ({ file, lines, events }) => { progress.show(`${file}: ${lines} ${t('行', 'lines')}, ${events} ${t('个事件', 'events')}`); await out.drained(); },
      });
      progress.clear();
      const alerts = result.alerts.map((folded) => folded.alert).sort((a, b) => a.time - b.time);
      for (const alert of alerts) out.line(options.json ? jsonLine(alertJson(alert)) : alertLines(alert, lang).join('\n'));
      await out.end();
      if (result.dropped > 0) console.error(t(`另有 ${result.dropped} 条告警未列出`, `${result.dropped} more alerts are not listed`));
      let failed = false;
      for (const file of result.files) {
        if (file.error !== undefined) { failed = true; console.error(safe(file.error)); }
        const notes = [
          ...(file.unparsed > 0 ? [t(`${file.unparsed} 行无法识别`, `${file.unparsed} lines not understood`)] : []),
          ...(file.cut > 0 ? [t(`${file.cut} 行过长被截断`, `${file.cut} lines cut for length`)] : []),
        ];
        if (notes.length > 0 && !options.json) console.error(safe(`${file.file} (${file.format}): ${notes.join(', ')}`));
      }
      if (!options.json && !options.events) console.error(summary(alerts, result.files.reduce((sum, f) => sum + f.lines, 0), t));
      if (failed) process.exitCode = 2;
    });
}

function summary(alerts: readonly Alert[], lines: number, t: Cli['t']): string {
  return alerts.length === 0 ? t(`${lines} 行，没有告警`, `${lines} lines, no alerts`) : t(`${lines} 行，${alerts.length} 条告警`, `${lines} lines, ${alerts.length} alerts`);
}

function eventLine(event: Event): string {
  const words = [clock(event.time), event.category ?? event.kind, event.action ?? '-', event.outcome ?? '-', event.service ?? '-', event.user ?? '-', event.source_ip ?? '-', event.message ?? event.url ?? ''];
  return safe(words.join('  ').slice(0, 500));
}
