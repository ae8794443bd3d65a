/** Typed reads of a behaviour's settings, which were checked before they came here. */
import type { BehaviourContext } from '../core/ports.ts';

export function number(context: BehaviourContext, name: string): number {
  const value = context.settings[name];
  if (typeof value !== 'number') throw new TypeError(`expected a number, got ${typeof value} in setting ${name}`);
  return value;
}

export function list(context: BehaviourContext, name: string): string[] {
  const value = context.settings[name];
  if (!Array.isArray(value)) throw new TypeError(`expected a list, got ${typeof value} in setting ${name}`);
  return value;
}

export function text(context: BehaviourContext, name: string): string {
  const value = context.settings[name];
  if (typeof value !== 'string') throw new TypeError(`expected text, got ${typeof value} in setting ${name}`);
  return value;
}

export function flag(context: BehaviourContext, name: string): boolean {
  const value = context.settings[name];
  if (typeof value !== 'boolean') throw new TypeError(`expected true or false, got ${typeof value} in setting ${name}`);
  return value;
}
