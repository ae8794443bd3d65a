/** The rules that concern events of one log source key. */
import type { Program } from './engine.ts';
import { interpret } from './interpret.ts';
import type { Access, Binding } from './values.ts';

export class Route<E> {
  /** Rules evaluated for the latest event. */
  candidates = 0;
  private readonly programs: readonly Program[];
  private readonly binding: Binding<E>;
  private readonly reader: (name: string) => Access<E>;

  constructor(programs: readonly Program[], binding: Binding<E>, reader: (name: string) => Access<E>, _interpreted: boolean) {
    this.programs = programs;
    this.binding = binding;
    this.reader = reader;
  }

  evaluate(event: E): readonly Program[] {
    let keywords: readonly string[] | undefined;
    const reader = { read: (field: string) => this.reader(field)(event), keywords: () => keywords ??= [...this.binding.keywords(event)] };
    this.candidates = this.programs.length;
    return this.programs.filter((program) => interpret(program.expression, reader));
  }
}
