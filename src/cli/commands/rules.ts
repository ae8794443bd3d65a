import { colour } from '../colour.ts';
import { MoatError } from '../../core/error.ts';
import type { Event } from '../../core/gen/event.ts';
import { eventJson } from '../../engine/event-json.ts';
import type { Rule } from '../../sigma/index.ts';
import { Output } from '../output.ts';
import type { Cli } from '../program.ts';
import { explainLines } from '../explain-text.ts';
import { jsonLine, levelWord, safe } from '../terminal.ts';

/** Loaded by the commands that need it alone. */
const detector = (): Promise<typeof import('../../agent/detector.ts')> => import('../../agent/detector.ts');

export function addRules(cli: Cli): void {
  const { program, lang, t } = cli;
  const rules = program.command('rules').description(t('检查、测试、解释 Sigma 规则', 'check, test and explain Sigma rules'));

  rules.command('check <dir...>')
    .description(t('逐条检查；被拒绝的给出文件、行与原因', 'check each one; refused rules with file, line and reason'))
    .option('--json', t('每行一个 JSON 对象', 'one JSON object a line'))
    .action(async (folders: string[], options: { json?: boolean }) => {
      const [{ loadRules }, { faultZh }] = await Promise.all([detector(), import('../../sigma/index.ts')]);
      const { all, errors } = loadRules(folders);
      const out = new Output();
      if (options.json) {
        for (const { file, id, name, title } of all) out.line(jsonLine({ file, id, name, title, ok: true }));
        for (const { file, line, id, code, message } of errors) out.line(jsonLine({ file, line, id, ok: false, code, reason: message, reason_zh: faultZh(code, message) }));
      } else {
        for (const { file, line, code, message } of errors) out.line(`${colour.red('✕')} ${safe(`${file}:${line}: ${t(faultZh(code, message), message)}`)}  ${colour.dim(code)}`);
        out.line(t(`${all.length} 条可用，${errors.length} 条被拒绝`, `${all.length} rules are fine, ${errors.length} were refused`));
      }
      await out.end();
      if (errors.length > 0) process.exitCode = 1;
    });

  rules.command('list [dir...]')
    .description(t('列出规则（默认自带的）与行为检测', 'list rules (our own by default) and behaviours'))
    .option('--behaviours', t('只列行为检测及其可调的阈值', 'only behaviours, with the thresholds that can be set'))
    .option('--json', t('每行一个 JSON 对象', 'one JSON object a line'))
    .action(async (folders: string[], options: { behaviours?: boolean; json?: boolean }) => {
      const [{ loadRules, ownRules }, { behaviours }] = await Promise.all([detector(), import('../../behaviours/catalogue.ts')]);
      const out = new Output();
      if (!options.behaviours) {
        for (const rule of loadRules(folders.length > 0 ? folders : [ownRules()]).all) {
          const zh = (rule.custom as { zh?: string } | undefined)?.zh;
          if (options.json) out.line(jsonLine({ name: rule.name, id: rule.id, level: rule.level, title: rule.title, title_zh: zh, tags: rule.tags, file: rule.file }));
          else out.line(`${levelWord(rule.level, lang)}  ${safe(`${rule.name ?? rule.id ?? ''}  ${lang === 'zh' && zh !== undefined ? zh : rule.title}`)}`);
        }
      }
      for (const { id, title, settings } of behaviours) {
        if (options.json) { out.line(jsonLine({ name: `behaviour.${id}`, title: title.en, title_zh: title.zh, settings })); continue; }
        out.line(`${colour.magenta(t('行为', 'behaviour'))}  ${id}  ${title[lang]}`);
        if (options.behaviours) for (const [name, setting] of Object.entries(settings)) out.line(colour.dim(`      ${name}: ${JSON.stringify(setting.default)}  ${setting.text[lang]}`));
      }
      await out.end();
    });

  rules.command('test [dir]')
    .description(t('运行规则旁 .test.yml 里的用例（默认自带的规则）', 'run the .test.yml beside each rule (our own by default)'))
    .option('--json', t('每行一个 JSON 对象', 'one JSON object a line'))
    .action(async (dir: string | undefined, options: { json?: boolean }) => {
      const [{ ownRules }, { runRuleTests }] = await Promise.all([detector(), import('../../agent/rule-tests.ts')]);
      const results = runRuleTests(dir ?? ownRules());
      for (const result of results) {
        if (options.json) console.log(jsonLine(result));
        else for (const fault of lang === 'zh' ? result.faults_zh ?? result.faults : result.faults) console.log(`${colour.red('✕')} ${safe(fault)}`);
      }
      const bad = results.filter((result) => !result.ok).length;
      if (!options.json) console.log(t(`${results.length} 个规则文件，${results.reduce((n, r) => n + r.cases, 0)} 个用例，${bad} 个文件有问题`, `${results.length} rule files, ${results.reduce((n, r) => n + r.cases, 0)} cases, ${bad} files with faults`));
      if (bad > 0) process.exitCode = 1;
    });

  rules.command('explain <rule> <file...>')
    .description(t('对文件中的每个事件逐项解释：规则的哪部分成立、哪部分不成立（- 为标准输入）', 'for each event in the files, say which part of the rule held and which did not (- is standard input)'))
    .option('--format <name>', t('日志格式，默认自动识别', 'log format; told by itself by default'), 'auto')
    .option('--rules <dir>', t('规则目录（默认自带的）', 'folder of rules (our own by default)'))
    .option('--limit <n>', t('最多解释多少个事件', 'at most so many events'), (text) => Number(text), 20)
    .option('--json', t('每行一个 JSON 对象', 'one JSON object a line'))
    .action(async (name: string, files: string[], options: { format: string; rules?: string; limit: number; json?: boolean }) => {
      const [{ loadRules, ownRules }, { replay }, { explain }] = await Promise.all([detector(), import('../../agent/replay.ts'), import('../../sigma/index.ts')]);
      const { all, engine } = loadRules([options.rules ?? ownRules()]);
      const rule = all.find((r) => r.name === name || r.id === name);
      if (!rule) throw new MoatError('no-rule', t(`没有名为 ${name} 的规则`, `expected the name or id of a rule, got ${name}`), { hint: 'moat rules list' });
      const events: Event[] = [];
      let more = 0;
      const result = await replay({ files, format: options.format, lang, detect: undefined, onEvent: (event) => { if (events.length < options.limit) events.push(event); else more++; } });
      for (const file of result.files) if (file.error !== undefined) throw new MoatError('unreadable', file.error);
      // Of a correlation the rules it counts are explained.
      const single = rule.type === 'rule' ? [rule] : all.filter((r): r is Rule => r.type === 'rule' && rule.rules.some((wanted) => wanted === r.name || wanted === r.id));
      for (const event of events) {
        for (const one of single) {
          const explained = explain(engine, one, event);
          if (options.json) { console.log(jsonLine({ rule: one.name ?? one.id, event: eventJson(event), explained })); continue; }
          if (single.length > 1 || one !== rule) console.log(colour.bold(safe(one.name ?? one.title)));
          console.log(explainLines(event, explained, lang).join('\n'));
        }
      }
      if (events.length === 0) console.log(t('文件里没有能读懂的事件', 'the files hold no event that was understood'));
      if (more > 0) console.error(t(`另有 ${more} 个事件未显示；加 --limit`, `${more} more events not shown; see --limit`));
    });
}
