import { colour } from '../colour.ts';
import type { Log } from '../../core/ports.ts';
import { AlertPrinter } from '../alert-printer.ts';
import { configOf, configPath, dataFolder, globals } from '../globals.ts';
import type { Cli } from '../program.ts';
import { modeTexts } from '../status-text.ts';
import { clock, safe } from '../terminal.ts';
import { version } from '../version.ts';

interface Options { json?: boolean; verbose?: boolean }

export function addUp({ program, lang, t }: Cli): void {
  program.command('up')
    .description(t('保护本机：传感器、检测与告警（Ctrl-C 结束）', 'protect this machine: sensors, detection, alerts (Ctrl-C ends it)'))
    .option('--json', t('告警每行一个 JSON 对象', 'alerts as one JSON object a line'))
    .option('--verbose', t('多说一些', 'say more'))
    .action(async (options: Options) => {
      // What only this command needs is loaded by it alone: every other command starts in half the time.
      const [{ startAgent }, { openGeo }, { blindSpots }, { allSensors }] = await Promise.all([import('../../agent/agent.ts'), import('../../agent/geo.ts'), import('../../agent/doctor.ts'), import('../../agent/sensors.ts')]);
      const config = await configOf(program);
      const speak = config.lang === 'auto' || globals(program).lang !== undefined ? lang : config.lang;
      const say = (zh: string, en: string) => (speak === 'zh' ? zh : en);
      const talk = (text: string): void => { if (options.json) console.error(text); else console.log(text); };
      const log: Log = {
        debug: (message) => { if (options.verbose) console.error(colour.dim(safe(message))); },
        info: (message) => console.error(safe(message)),
        warn: (message) => console.error(colour.yellow(safe(message))),
      };
      talk(colour.bold(say('Moat 护城河', 'Moat')) + say(` ${version()} 正在保护本机（${modeTexts[config.response.mode].zh}）`, ` ${version()} protects this machine (${modeTexts[config.response.mode].en})`));
      talk(say('在看：', 'It watches:'));
      for (const { sensor, enabled, why } of await allSensors(config)) {
        if (enabled) talk(`  ${colour.green('●')} ${sensor.title[speak]}`);
        else talk(`  ${colour.yellow('○')} ${sensor.title[speak]}  ${colour.dim(safe(why?.[speak] ?? say('已在配置中关闭', 'switched off in the configuration')))}`);
      }
      talk(say('看不见的：', 'It cannot see:'));
      for (const spot of await blindSpots(config, openGeo(config.geo.country).table)) talk(colour.dim(`  - ${safe(spot[speak])}`));
      const printer = new AlertPrinter({ lang: speak, json: options.json === true, print: (text) => { console.log(text); }, now: Date.now });
      // What comes while it starts is said behind the line that says it is ready.
      let early: (() => void)[] | undefined = [];
      const later = (speakUp: () => void): void => { if (early) early.push(speakUp); else speakUp(); };
      const agent = await startAgent({
        configPath: configPath(program), configMustExist: globals(program).config !== undefined,
        dataFolder: dataFolder(program), version: version(), lang: speak, log,
        show: (folded) => later(() => printer.show(folded)),
        onHealth: (part, { state, detail }) => later(() => {
          if (state === 'live' && !options.verbose) return;
          const mark = state === 'blind' ? colour.red('✕') : state === 'waiting' ? colour.yellow('○') : colour.green('●');
          console.error(`${mark} ${clock(Date.now())} ${safe(part)}${detail ? `: ${safe(detail[speak])}` : ''}`);
        }),
      });
      const { rules, ruleErrors, behaviours } = agent.status();
      talk(say(`${rules} 条规则、${behaviours} 个行为检测已就绪${ruleErrors.length ? `，${ruleErrors.length} 条规则被拒绝（moat rules check）` : ''}。数据目录 ${dataFolder(program)}`, `${rules} rules and ${behaviours} behaviours are ready${ruleErrors.length ? `, ${ruleErrors.length} rules were refused (moat rules check)` : ''}. Data folder ${dataFolder(program)}`));
      talk(say('告警会出现在下面；另开终端可用 moat status、moat alerts。', 'Alerts appear below; in another terminal try moat status and moat alerts.'));
      talk('');
      const waiting = early;
      early = undefined;
      for (const speakUp of waiting) speakUp();
      await untilStopped();
      talk(say('正在停止……', 'stopping …'));
      await agent.stop();
      printer.finish();
      // A reader that is slower than we are gets its last line whole.
      await new Promise((resolve) => { process.stdout.write('', resolve); });
      process.exit(0);
    });
}

function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}
