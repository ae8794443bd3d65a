import { colour } from '../colour.ts';
import { configOf, dataFolder } from '../globals.ts';
import type { Cli } from '../program.ts';
import { jsonLine, safe } from '../terminal.ts';

export function addDoctor({ program, lang, t }: Cli): void {
  program.command('doctor')
    .description(t('检查本机：哪些能看见、哪些看不见、怎么办', 'look at this machine: what is live, what is blind, what to do about it'))
    .option('--json', t('每行一个 JSON 对象', 'one JSON object a line'))
    .action(async (options: { json?: boolean }) => {
      const [{ diagnose, blindSpots }, { openGeo }] = await Promise.all([import('../../agent/doctor.ts'), import('../../agent/geo.ts')]);
      const config = await configOf(program);
      const { table } = openGeo(config.geo.country);
      const found = await diagnose(config, dataFolder(program), table);
      if (options.json) {
        for (const item of found) console.log(jsonLine({ part: item.part, state: item.state, what: item.what[lang], todo: item.todo?.[lang] }));
      } else {
        for (const { part, state, what, todo } of found) {
          const mark = state === 'live' ? colour.green('●') : state === 'waiting' ? colour.yellow('○') : colour.red('✕');
          console.log(`${mark} ${part}  ${safe(what[lang])}`);
          if (todo) console.log(`    ${colour.bold(t('怎么办：', 'do: '))}${safe(todo[lang])}`);
        }
        console.log(`\n${t('即使一切正常也看不见的：', 'Not to be seen even when all is well:')}`);
        for (const spot of await blindSpots(config, table)) console.log(`  - ${safe(spot[lang])}`);
      }
      if (found.some((item) => item.state === 'blind')) process.exitCode = 1;
    });
}
