import { loadConfig } from '../../agent/config.ts';
import { defaultConfigPath } from '../../agent/default-places.ts';
import { sampleConfig } from '../../agent/config-sample.ts';
import type { Cli } from '../program.ts';
import { globals } from '../globals.ts';

export function addConfig({ program, lang, t }: Cli): void {
  const config = program.command('config').description(t('打印带说明的默认配置，或检查现有配置', 'print the default configuration with explanations, or check the one in use'));
  config.command('show', { isDefault: true })
    .description(t('打印默认配置（可直接存为 moat.yml）', 'print the defaults, ready to be saved as moat.yml'))
    .action(() => { process.stdout.write(sampleConfig(lang)); });
  config.command('check [file]')
    .description(t('检查配置文件，指出出错的行', 'check a configuration file and name the line of each fault'))
    .action((file: string | undefined) => {
      const path = file ?? globals(program).config ?? defaultConfigPath();
      loadConfig(path, { mustExist: true });
      console.log(t(`${path}：没有问题`, `${path}: no faults`));
    });
}
