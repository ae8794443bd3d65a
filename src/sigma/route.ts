/** The rules that concern events of one log source key, indexed by witness. */
import { type Compiled, generate } from './codegen.ts';
import type { Program } from './engine.ts';
import { COMPLEX, type Frame, NOTHING, type Slot } from './frame.ts';
import { interpret } from './interpret.ts';
import { fold } from './pattern.ts';
import { elements, textOf } from './values.ts';
import { FieldIndex, witnessOf } from './witness.ts';

/** Rules of the engine as functions, made when an event first asks for one: most rules never get that far. */
export class Functions<E> {
  private readonly made = new Map<Program, Compiled<E>>();
  private readonly slot: (field: string) => Slot<E>;
  private readonly interpreted: boolean;

  constructor(slot: (field: string) => Slot<E>, interpreted: boolean) { this.slot = slot; this.interpreted = interpreted; }

  of(program: Program): Compiled<E> {
    let made = this.made.get(program);
    if (!made) {
      made = this.interpreted ? (frame) => interpret(program.expression, frame.reader) : generate(program.expression, this.slot);
      this.made.set(program, made);
    }
    return made;
  }
}

export class Route<E> {
  /** How many rules the latest event had to be evaluated for. */
  candidates = 0;
  private readonly programs: readonly Program[];
  private readonly functions: Functions<E>;
  private readonly run: (Compiled<E> | undefined)[];
  /** Rules without a witness. */
  private readonly always: readonly number[];
  private readonly fields: readonly { slot: Slot<E>; index: FieldIndex }[];
  private readonly words: FieldIndex | undefined;
  /** marks[rule] is the frame's stamp when it already is a candidate. */
  private readonly marks: Float64Array;
  private readonly chosen: number[] = [];
  private readonly matched: number[] = [];
  private stamp = 0;
  private readonly take: (rules: readonly number[]) => void;

  constructor(programs: readonly Program[], functions: Functions<E>, slot: (field: string) => Slot<E>, indexed: boolean) {
    this.programs = programs;
    this.functions = functions;
    this.run = Array.from({ length: programs.length });
    this.marks = new Float64Array(programs.length);
    const always: number[] = [];
    const byField = new Map<Slot<E>, FieldIndex>();
    let words: FieldIndex | undefined;
    for (const [number, program] of programs.entries()) {
      const facts = indexed ? witnessOf(program.expression) : undefined;
      if (!facts) { always.push(number); continue; }
      for (const fact of facts) {
        if (fact.field === undefined) { (words ??= new FieldIndex()).add(fact, number); continue; }
        const key = slot(fact.field);
        let index = byField.get(key);
        if (!index) { index = new FieldIndex(); byField.set(key, index); }
        index.add(fact, number);
      }
    }
    this.always = always;
    this.words = words;
    this.fields = [...byField].map(([key, index]) => ({ slot: key, index }));
    this.take = (rules) => {
      for (const rule of rules) if (this.marks[rule] !== this.stamp) { this.marks[rule] = this.stamp; this.chosen.push(rule); }
    };
  }

  /** The rules that match, in the order they were given. */
  evaluate(frame: Frame<E>): readonly Program[] {
    if (this.programs.length === 0) { this.candidates = 0; return none; }
    const { chosen, take } = this;
    this.stamp = frame.stamp;
    chosen.length = 0;
    for (const { slot, index } of this.fields) {
      const kind = slot.at(frame);
      if (kind === NOTHING) continue;
      if (kind !== COMPLEX) { index.lookup(slot.low(), take); continue; }
      for (const one of elements(slot.raw)) { const text = textOf(one); if (text !== undefined) index.lookup(fold(text), take); }
    }
    if (this.words) for (const low of frame.lowKeywords()) this.words.lookup(low, take);
    const { matched } = this;
    matched.length = 0;
    for (const number of this.always) this.try(number, frame);
    for (const number of chosen) this.try(number, frame);
    this.candidates = chosen.length + this.always.length;
    if (matched.length === 0) return none;
    if (matched.length > 1) matched.sort((a, b) => a - b);
    return matched.map((number) => this.programs[number]!);
  }

  private try(number: number, frame: Frame<E>): void {
    const run = this.run[number] ??= this.functions.of(this.programs[number]!);
    if (run(frame)) this.matched.push(number);
  }
}

const none: readonly Program[] = [];
