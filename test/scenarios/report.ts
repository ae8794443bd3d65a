/** The report of a scenario's incident: that no part is missing, and that it tells what was proved. */
import { expect } from 'vitest';
import type { CleanupPlan } from '../../src/core/incident.ts';
import type { Review } from '../../src/core/review.ts';
import type { Scene } from './scene.ts';

const parts = ['At a glance', 'How long it took', 'Timeline', 'Path of the attack', 'Scope', 'Data at risk', 'Measures taken', 'Evidence', 'Root causes', 'Improvements', 'Statutory report form, filled in as far as known', 'Appendix'];

interface Told {
  /** What must stand in it, word for word. */
  says: readonly string[];
  /** What cannot be cleaned up by a machine, as the report has it: data seen to be taken or destroyed. */
  data?: RegExp;
}

/** Of a closed incident; its report. */
export function reported({ run }: Scene, { id }: { id: string }, plan: CleanupPlan, { says, data }: Told): Review {
  const review = JSON.parse(run('incident', 'report', id, '--format', 'json').out) as Review;
  const { entry, happened, path, indicators, scope } = review.story!;
  expect({ id: review.id, status: review.status }, [...review.changes.items.map(({ operation, result, why }) => `${operation} ${result}: ${why}`).slice(-6), ...review.alerts.items.toSorted((a, b) => a.last_time - b.last_time).slice(-3).map((one) => `${new Date(one.last_time).toISOString()} ${one.rule}: ${one.summary}`)].join('\n')).toEqual({ id, status: 'closed' });
  expect({ kind: entry?.kind, text: entry?.text.en }).toEqual({ kind: plan.entry?.kind, text: plan.entry?.text.en });
  for (const figure of ['detect', 'contain', 'recover'] as const) expect({ figure, ...review.measures[figure] }).toMatchObject({ figure, ms: expect.any(Number) as unknown });
  expect({ happened: happened.items.some(({ what }) => what === 'entry') && happened.items.some(({ what }) => what === 'alert'), path: path.items.length > 0, scope: Object.values(scope).some(({ total }) => total > 0), indicators: indicators.total > 0, causes: review.causes.length > 0, form: review.form.fields.length > 0 }).toEqual({ happened: true, path: true, scope: true, indicators: true, causes: true, form: true });
  // Each step that was done, with who and when; those that were taken back on the way as well.
  const done = new Set(review.actions.items.filter(({ status }) => status === 'applied').map(({ action, target }) => `${action} ${target}`));
  expect(plan.steps.filter(({ action, target }) => !action.endsWith('-tree') && !done.has(`${action} ${target}`)).map(({ title }) => title.en)).toEqual([]);
  expect(review.actions.items.some(({ status }) => status === 'undone')).toBe(true);
  expect(review.changes.items.filter(({ operation }) => /^incident-(?:status|recovered|recovery)$/.test(operation)).length).toBeGreaterThanOrEqual(4);
  const risks = review.data.filter(({ certain }) => certain).map(({ what, items }) => `${what.en}: ${items.items.join(', ')}`).join('\n');
  if (data !== undefined) expect(risks).toMatch(data);

  const { out: markdown, err, status } = run('incident', 'report', id, '--format', 'md');
  expect({ status, err }).toEqual({ status: 0, err: '' });
  const headings = markdown.split('\n').flatMap((line) => /^#+ (.*)$/.exec(line)?.[1] ?? []);
  expect(headings.filter((one) => parts.includes(one))).toEqual(parts);
  expect(says.filter((one) => !markdown.includes(one))).toEqual([]);
  const page = run('incident', 'report', id, '--format', 'html').out;
  expect(page).toMatch(/^<!doctype html>/i);
  expect(page).not.toMatch(/(?:src|href)="https?:/);
  return review;
}
