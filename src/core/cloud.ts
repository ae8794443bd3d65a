/** What a cloud account can be asked to do to one of its resources, by a connector. */
import type { Plan, Verdict } from './action.ts';

/** `step`: a word of the connector (`detach-security-group`, `snapshot-disk`); `resource`: as the cloud names it. */
export interface CloudStep { step: string; resource: string; parameters: Readonly<Record<string, string | number | boolean>> }

/** What was found out by looking only. `before` is JSON: all that is needed to take it back. */
export interface CloudPlan extends Pick<Plan, 'title' | 'steps' | 'risk' | 'reversible'> { before: unknown }

/**
 * A connected cloud account. `apply` and `undo` may be called again at any point where they were cut off, also by another process;
 * `token` is the same each time, for clouds that do a request with one token once only. Errors are thrown.
 */
export interface CloudConnector {
  id: string;
  /** Steps it knows. */
  steps: readonly string[];
  /** Throws MoatError 'bad-input', 'refused' or 'not-there'. */
  plan(step: CloudStep, signal: AbortSignal): Promise<CloudPlan>;
  apply(step: CloudStep, before: unknown, token: string, signal: AbortSignal): Promise<void>;
  look(step: CloudStep, before: unknown, signal: AbortSignal): Promise<Verdict>;
  undo(step: CloudStep, before: unknown, token: string, signal: AbortSignal): Promise<void>;
}
