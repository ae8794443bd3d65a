import type { Cli } from '../program.ts';
import { addIncidentPlan } from './incident-plan.ts';

/** From an alarm to its end. */
export function addIncident(cli: Cli): void {
  const { program, t } = cli;
  const incident = program.command('incident').description(t('从告警到收尾：清理方案，执行，核对，撤销', 'from an alarm to its end: the clean-up plan, doing it, looking again, taking it back'));
  addIncidentPlan(incident, cli);
}
