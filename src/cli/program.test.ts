import { describe, expect, it } from 'vitest';
import { groups } from './groups.ts';
import { buildProgram } from './program.ts';

describe.each(['zh', 'en'] as const)('moat --help in %s', async (lang) => {
  const program = await buildProgram(['--lang', lang], '0');
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

describe('a command line that names a command', async () => {
  const all = await buildProgram(['--lang=en'], '0');

  it.each(all.commands.map((command) => [command.name()] as const))('%s: has that one, with the same help', async (name) => {
    const program = await buildProgram(['--lang', 'en', `--data=${name}`, name], '0');
    const help = ({ commands }: typeof all): string | undefined => commands.find((one) => one.name() === name)?.helpInformation();
    expect(help(program)).toBe(help(all));
    // Nearly all are loaded by themselves or with a few of their file; completion speaks of all.
    if (name !== 'completion') expect(program.commands.length).toBeLessThan(all.commands.length / 2);
  });

  it.each([['no name', []], ['an option first', ['--help', 'status']], ['a name that there is not', ['statsu']], ['help of one', ['help', 'status']], ['a value that is a name', ['--data', 'status']]])('%s: has all', async (_what, argv) => {
    expect((await buildProgram(argv, '0')).commands).toHaveLength(all.commands.length);
  });
});
