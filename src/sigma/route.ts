/** The rules that concern events of one log source key, indexed by witness. */
import { type Compiled, expressionText, generate, SharedItems } from './codegen.ts';
import type { Program } from './engine.ts';
import { COMPLEX, type Frame, NOTHING, SCALAR, type Slot } from './frame.ts';
import { interpret } from './interpret.ts';
import { fold } from './pattern.ts';
import { elements, textOf } from './values.ts';
import type { Expression } from './expression.ts';
import { type Fact, factHolds, FieldIndex, guess, type Likelihood, witnessOf } from './witness.ts';

/** Detections as functions, made when an event first asks for one: most rules never get that far. */
export class Functions<E> {
  private readonly made = new Map<string, Compiled<E>>();
  private readonly texts = new Map<Program, string>();
  private readonly shared = new SharedItems<E>();
  private readonly slot: (field: string) => Slot<E>;
  private readonly interpreted: boolean;

  constructor(slot: (field: string) => Slot<E>, interpreted: boolean) { this.slot = slot; this.interpreted = interpreted; }

  of(program: Program): Compiled<E> {
    const text = this.textOf(program);
    let made = this.made.get(text);
    if (!made) {
      made = this.interpreted ? (frame) => interpret(program.expression, frame.reader) : generate(program.expression, this.slot, this.shared);
      this.made.set(text, made);
    }
    return made;
  }

  /** The same for programs that ask the same. */
  textOf(program: Program): string {
    let text = this.texts.get(program);
    if (text === undefined) { text = expressionText(program.expression); this.texts.set(program, text); }
    return text;
  }
}

/** What rules of a route ask alike: rules that only name what several correlations count are often the same detection. */
interface Unit { readonly first: Program; readonly programs: number[] }

export class Route<E> {
  /** How many rules the latest event had to be evaluated for. */
  candidates = 0;
  private readonly programs: readonly Program[];
  private readonly units: readonly Unit[];
  private readonly functions: Functions<E>;
  private readonly run: (Compiled<E> | undefined)[];
  private readonly slot: (field: string) => Slot<E>;
  // The index, candidates and marks are of units; matches are of programs.
  /** Units without a witness. */
  private always: readonly number[] = [];
  private fields: readonly { slot: Slot<E>; index: FieldIndex }[] = [];
  private words: FieldIndex | undefined;
  /** marks[unit] is the frame's stamp when it already is a candidate. */
  private readonly marks: Float64Array;
  /** Numbers of the candidates and of the programs that matched. Fixed arrays: emptying a list frees its memory, and filling it again takes new, for each event. */
  private readonly chosen: Int32Array;
  private chosenCount = 0;
  private readonly matched: Int32Array;
  private matchedCount = 0;
  private stamp = 0;
  private readonly take: (rules: readonly number[]) => void;
  private sample: Sample<E> | undefined;
  /** An index that is being made anew, a few rules with each event. */
  private building: Iterator<unknown> | undefined;

  constructor(programs: readonly Program[], functions: Functions<E>, slot: (field: string) => Slot<E>, indexed: boolean) {
    this.programs = programs;
    this.functions = functions;
    this.slot = slot;
    this.units = unitsOf(programs, functions);
    this.run = Array.from({ length: this.units.length });
    this.marks = new Float64Array(this.units.length);
    this.chosen = new Int32Array(this.units.length);
    this.matched = new Int32Array(programs.length);
    this.take = (rules) => {
      for (let i = 0; i < rules.length; i++) {
        const unit = rules[i]!;
        if (this.marks[unit] === this.stamp) continue;
        this.marks[unit] = this.stamp;
        this.chosen[this.chosenCount++] = unit;
      }
    };
    if (!indexed) { this.always = this.units.map((_, number) => number); return; }
    for (const _ of this.build(guess));
    this.sample = new Sample(programs, slot);
  }

  /** Rule by rule; what is made takes the place of the old at the end. */
  private* build(likelihood: Likelihood): Generator<undefined, void> {
    const always: number[] = [];
    const byField = new Map<Slot<E>, FieldIndex>();
    let words: FieldIndex | undefined;
    for (const [number, { first }] of this.units.entries()) {
      const facts = witnessOf(first.expression, likelihood);
      if (!facts) { always.push(number); continue; }
      for (const fact of facts) {
        if (fact.field === undefined) { (words ??= new FieldIndex()).add(fact, number); continue; }
        const key = this.slot(fact.field);
        let index = byField.get(key);
        if (!index) { index = new FieldIndex(); byField.set(key, index); }
        index.add(fact, number);
      }
      yield;
    }
    for (const index of words ? [words, ...byField.values()] : byField.values()) { index.settle(); yield; }
    this.always = always;
    this.words = words;
    this.fields = [...byField].map(([key, index]) => ({ slot: key, index }));
  }

  /** What the events of this route really hold decides which facts are rare: asked early, and once more when there is more to go by. */
  private learn(frame: Frame<E>): void {
    const { sample } = this;
    if (this.building) {
      // All at once would hold up whoever waits for this event: thirty milliseconds with a thousand rules.
      for (let i = 0; i < rulesPerEvent; i++) if (this.building.next().done) { this.building = undefined; if (sample?.done) this.sample = undefined; return; }
      return;
    }
    if (sample?.look(frame)) this.building = this.build((fact) => sample.likelihood(fact, this.slot));
  }

  /** Returns how many rules match; `hit` names them, in the order they were given. */
  evaluate(frame: Frame<E>): number {
    this.matchedCount = 0;
    this.candidates = 0;
    if (this.programs.length === 0) return 0;
    const { fields, take, always, chosen } = this;
    this.stamp = frame.stamp;
    if (this.sample) this.learn(frame);
    this.chosenCount = 0;
    for (let i = 0; i < fields.length; i++) {
      const { slot, index } = fields[i]!;
      const kind = slot.at(frame);
      if (kind === NOTHING) continue;
      if (kind !== COMPLEX) { index.lookupIn(slot, take); continue; }
      for (const one of elements(slot.raw)) { const text = textOf(one); if (text !== undefined) index.lookup(fold(text), take); }
    }
    if (this.words) for (const low of frame.lowKeywords()) this.words.lookup(low, take);
    for (let i = 0; i < always.length; i++) this.try(always[i]!, frame);
    for (let i = 0; i < this.chosenCount; i++) this.try(chosen[i]!, frame);
    this.candidates = this.chosenCount + always.length;
    return this.matchedCount;
  }

  hit(index: number): Program { return this.programs[this.matched[index]!]!; }

  private try(number: number, frame: Frame<E>): void {
    const unit = this.units[number]!;
    const run = this.run[number] ??= this.functions.of(unit.first);
    if (!run(frame)) return;
    // Kept in order while it is filled: there are few.
    const { matched } = this;
    for (const program of unit.programs) {
      let at = this.matchedCount++;
      while (at > 0 && matched[at - 1]! > program) { matched[at] = matched[at - 1]!; at--; }
      matched[at] = program;
    }
  }
}

function unitsOf<E>(programs: readonly Program[], functions: Functions<E>): Unit[] {
  const units = new Map<string, Unit>();
  for (const [number, program] of programs.entries()) {
    const text = functions.textOf(program);
    const unit = units.get(text);
    if (unit) unit.programs.push(number);
    else units.set(text, { first: program, programs: [number] });
  }
  return [...units.values()];
}

const rulesPerEvent = 4;
const sampleSize = 96;
/** The second sample takes every so many-th event, so that it spans more than the first burst. */
const sparse = 64;
const sampledText = 1024;

/** What the fields that rules ask for hold in a few events of a route. */
class Sample<E> {
  done = false;
  private readonly slots: readonly Slot<E>[];
  private texts = new Map<Slot<E>, string[]>();
  private words: string[] = [];
  private events = 0;
  private skipped = 0;
  private every = 1;

  constructor(programs: readonly Program[], slot: (field: string) => Slot<E>) {
    const fields = new Set<string>();
    for (const { expression } of programs) fieldsOf(expression, fields);
    this.slots = [...new Set([...fields].map(slot))];
  }

  /** True when there is enough to go by; the next look begins the next sample. */
  look(frame: Frame<E>): boolean {
    if (this.events >= sampleSize) {
      this.events = 0;
      this.texts = new Map();
      this.words = [];
      this.every = sparse;
    }
    if (++this.skipped < this.every) return false;
    this.skipped = 0;
    this.events++;
    for (const slot of this.slots) {
      if (slot.at(frame) !== SCALAR) continue;
      const list = this.texts.get(slot);
      const low = slot.low().slice(0, sampledText);
      if (list) list.push(low);
      else this.texts.set(slot, [low]);
    }
    this.words.push(...frame.lowKeywords().map((low) => low.slice(0, sampledText)));
    if (this.events < sampleSize) return false;
    this.done = this.every > 1;
    return true;
  }

  /** The share of sampled events; what was never seen is told apart by the guess. */
  likelihood(fact: Fact, slot: (field: string) => Slot<E>): number {
    const texts = fact.field === undefined ? this.words : this.texts.get(slot(fact.field)) ?? [];
    let hits = 0;
    for (const low of texts) if (factHolds(fact, low)) hits++;
    return hits > 0 ? hits / sampleSize : guess(fact) ** 0.125 / sampleSize;
  }
}

function fieldsOf(expression: Expression, out: Set<string>): void {
  switch (expression.kind) {
    case 'item': if (expression.item.field !== undefined) out.add(expression.item.field); return;
    case 'not': fieldsOf(expression.child, out); return;
    case 'and': case 'or': for (const child of expression.children) fieldsOf(child, out); return;
    default: expression satisfies never;
  }
}

