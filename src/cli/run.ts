import { CommanderError } from 'commander';
import { MoatError, saidBy } from '../core/error.ts';
import { buildProgram, langOf } from './program.ts';
import { safe } from './terminal.ts';
import { version } from './version.ts';

/** Runs one command line. What a user can act on is one clear message and exit code 2; anything else is our fault and shows its trace. */
export async function run(argv: readonly string[]): Promise<void> {
  const lang = langOf(argv);
  const program = await buildProgram(argv, version());
  program.exitOverride();
  overrideAll(program);
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) { process.exitCode = error.exitCode === 0 ? 0 : 2; return; }
    if (!(error instanceof MoatError)) throw error;
    console.error(`moat: ${saidBy(error)[lang].split('\n').map(safe).join('\n')}`);
    if (error.hint !== undefined) console.error(`  ${safe(error.hintText?.[lang] ?? error.hint)}`);
    process.exitCode = 2;
  }
}

function overrideAll(command: Awaited<ReturnType<typeof buildProgram>>): void {
  for (const sub of command.commands) {
    sub.exitOverride();
    overrideAll(sub);
  }
}
