import { describe, expect, it } from 'vitest';
import { groups } from './groups.ts';
import { buildProgram } from './program.ts';

describe.each(['zh', 'en'] as const)('moat --help in %s', (lang) => {
  const program = buildProgram(['--lang', lang], '0');
  const shown = program.helpInformation();

  it('shows every command once, under one of its headings', () => {
    const names = program.createHelp().visibleCommands(program).map((command) => command.name());
    expect(names.toSorted()).toEqual(groups.flatMap(({ commands }) => commands).toSorted());
    for (const name of names) expect(shown.split('\n').filter((line) => line.startsWith(`  ${name} `))).toHaveLength(1);
    expect(shown.split('\n').filter((line) => groups.some(({ title }) => line === title[lang]))).toEqual(groups.map(({ title }) => title[lang]));
  });

  it('leaves the help of a single command as it is', () => {
    const block = program.commands.find((command) => command.name() === 'block');
    expect(block?.helpInformation()).toContain('<address...>');
    expect(program.commands.find((command) => command.name() === 'incident')?.helpInformation()).toContain('show');
  });
});
