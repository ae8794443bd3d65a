/** What one reading of a PHP file keeps: variables, functions, the layers of decoded code, what was found. */
import { LimitError, type Budget, type Lines, type Place, type Sign, type SignKind } from '../sign.ts';
import { titles } from '../titles.ts';
import type { Level } from '../../core/level.ts';
import { atLeast } from '../../core/level.ts';
import type { Node } from './parse.ts';
import { given, merge, templateOf, unknownFrom, type Cell, type Closure, type PhpArray, type PhpObject, type Taint, type Value } from './value.ts';

/** The file, or code that it decodes and runs. `outer`: the line of the file that runs it. */
export interface Layer { lines: Lines; depth: number; outer: Place | undefined }

export interface Declared { node: Node; layer: Layer; active: number; called: number; results: Map<string, { value: Value; times: number }>; statics: Map<string, Cell>; className?: string }
export interface ClassInfo { name: string; node: Node; parent: string | undefined; methods: Map<string, Declared>; properties: { name: string; value: Node | undefined; isStatic: boolean }[]; constants: Map<string, Node>; traits: readonly string[]; /** Methods of traits under another name. */ renamed: Map<string, string>; /** Of an enumeration. */ cases: Map<string, Node | undefined>; layer: Layer }

export interface Frame {
  scope: Map<string, Cell>;
  self: PhpObject | undefined;
  className: string | undefined;
  statics: Map<string, Cell> | undefined;
  functionName: string;
  args: readonly Value[];
  returned: Value | undefined;
  /** What a generator gave so far. */
  yielded?: PhpArray;
  /** `Run.branches` where it began. */
  branches?: number;
}

/** What a visitor's data may do to files and the machine, by their kind. */
export type Operation = 'list' | 'read' | 'write' | 'delete' | 'mode' | 'rename' | 'make' | 'upload' | 'sql' | 'command';

const signsMax = 60;
const callsMax = 60;

export class Run {
  readonly budget: Budget;
  readonly source: string;
  readonly signs = new Map<string, Sign>();
  readonly cut = new Set<string>();
  readonly globals = new Map<string, Cell>();
  readonly functions = new Map<string, Declared>();
  readonly classes = new Map<string, ClassInfo>();
  readonly constants = new Map<string, Value>();
  readonly statics = new Map<string, Cell>();
  /** Properties of objects that are not known, by name. */
  readonly loose = new Map<string, Cell>();
  /** Objects to be destroyed at the end. */
  readonly objects: PhpObject[] = [];
  /** Paths written with a visitor's data, by what is known of them. */
  readonly written = new Map<string, Value>();
  readonly operations = new Map<Operation, Place>();
  /** Files of visitors put where their own name says. */
  readonly uploads: { node: Node; layer: Layer; taint: Taint | undefined; /** An archive is unpacked. */ unpacked?: boolean }[] = [];
  /** A visitor's data may stand in any variable that was not set (extract, parse_str). */
  anyVariable: readonly Taint[] = [];
  /** A visitor's data may stand in any property (unserialize). */
  anyProperty: readonly Taint[] = [];
  /** What of a visitor's was left in the session, by its key; another request may find it there. */
  readonly session = new Map<string, Value>();
  sessionTainted = false;
  /** What is sent into generators, where their yields receive it. */
  sent: Value | undefined;
  /** What of a visitor's goes into the page; it passes whoever was given to ob_start. */
  printed: Value | undefined;
  /** Called at the end, or when something is wrong: by the function that was given them. */
  readonly handlers: { name: string; callee: Value; node: Node }[] = [];
  /** Closures that were made and not called so far. */
  readonly idle = new Map<Node, Closure>();
  /** Only a search engine, or somebody who comes from one, gets here. */
  crawler: Taint | undefined;
  /** Calls with a visitor's data of what nothing is known of. */
  readonly blindCalls: { node: Node; layer: Layer; taint: Taint }[] = [];
  /** How often a way returned, broke off or jumped that may or may not have been gone. */
  maybeLeft = 0;
  /** Labels that a way jumped to which was not gone to its end. */
  readonly jumps = new Set<string>();
  /** Classes that answer for an address of their own, and for a filter, by scheme and name. */
  readonly wrappers = new Map<string, string>();
  readonly filters = new Map<string, string>();
  /** What of a visitor's was left in a store, by what is known of its name. */
  readonly kept = new Map<string, Value>();
  /** What databases may call. */
  readonly sqlFunctions: Value[] = [];
  /** The file's own functions that are being run, the innermost last. */
  readonly callers: string[] = [];
  /** `use function a as b`. */
  readonly aliases = new Map<string, string>();
  /** All that was thrown, for whoever catches it. */
  thrown: Value | undefined;
  /** Decoded code that could not be parsed, or not whole. */
  readonly unparsed: { text: string; outer: Place }[] = [];
  /** Code that was hidden and is run. */
  readonly hiddenCode: { node: Node; outer: Place; text: string; packed: boolean }[] = [];
  layersRun = 0;
  layer: Layer;
  calls = 0;
  depth = 0;
  loops = 0;
  names = 0;
  #journal: Map<Cell, Value | undefined> | undefined;
  /** How many ways that may not be gone lead here. */
  branches = 0;

  constructor(source: string, lines: Lines, budget: Budget) { this.source = source; this.budget = budget; this.layer = { lines, depth: 0, outer: undefined }; }

  set(cell: Cell, value: Value | undefined): void {
    if (this.#journal && !this.#journal.has(cell)) this.#journal.set(cell, cell.value);
    cell.value = value;
  }

  /** Goes each way from here and keeps what all of them left. A way that answers false ended the program or function: its values are dropped. */
  ways(ways: readonly (() => boolean)[]): void {
    const outer = this.#journal;
    const ends: Map<Cell, Value | undefined>[] = [];
    try {
      for (const way of ways) {
        const journal = new Map<Cell, Value | undefined>();
        this.#journal = journal;
        this.branches++;
        const goesOn = way();
        this.branches--;
        const end = new Map<Cell, Value | undefined>();
        for (const [cell, before] of journal) { end.set(cell, cell.value); cell.value = before; }
        if (goesOn) ends.push(end);
      }
    } finally { this.#journal = outer; }
    const cells = new Set<Cell>();
    for (const end of ends) for (const cell of end.keys()) cells.add(cell);
    this.budget.spend(cells.size);
    for (const cell of cells) {
      const before = cell.value;
      let value: Value | undefined;
      for (const end of ends) value = merge(value, end.has(cell) ? end.get(cell) : before);
      this.set(cell, value);
    }
  }

  place(node: Node): Place {
    const { line = 1, column = 0 } = node.loc?.start ?? {};
    return this.layer.lines.place(line, column);
  }

  /** Runs `work` as code of another layer. */
  within<T>(layer: Layer, work: () => T): T {
    const before = this.layer;
    this.layer = layer;
    try { return work(); } finally { this.layer = before; }
  }

  /** One level deeper into calls; undefined when that is too deep. */
  call<T>(work: () => T): T | undefined {
    if (this.calls >= callsMax) { this.cut.add('calls nested too deep'); return undefined; }
    this.calls++;
    try { return work(); } finally { this.calls--; }
  }

  /** `decoded`: what the line really says. */
  sign(kind: SignKind, level: Level, node: Node, more: { taint?: Taint; decoded?: string; attack?: readonly string[]; title?: Sign['title'] } = {}): void {
    const at = this.place(node);
    const outermost = this.layer.outer ?? at;
    const decoded = more.decoded ?? (this.layer.depth > 0 ? at.text : undefined);
    const key = `${kind} ${outermost.line} ${this.layer.depth > 0 ? at.line : ''}`;
    const before = this.signs.get(key);
    if (before ? atLeast(before.level, level) : this.signs.size >= signsMax) return;
    const title = more.title ?? titles[kind];
    this.signs.set(key, { kind, level, title, sink: outermost, ...(more.taint && { source: more.taint.place }), ...(decoded !== undefined && { decoded }), ...(more.attack && { attack: more.attack }) });
  }

  /** `path`: a visitor names it whole, not a file of a folder that the program chose. */
  operation(what: Operation, node: Node, path?: Value): void {
    if (path && !templateOf(path).startsWith(given)) return;
    if (!this.operations.has(what)) this.operations.set(what, this.place(node));
  }

  /** Throws LimitError. */
  deeper(): void { if (++this.depth > this.budget.limits.depth * 4) { throw new LimitError('depth'); } }
}

/** The cell of a variable; made when there is none. */
export function cellIn(run: Run, scope: Map<string, Cell>, name: string): Cell {
  let cell = scope.get(name);
  if (!cell) {
    // A variable nobody set: a visitor may have, when variables are made of a request.
    cell = { value: run.anyVariable.length > 0 ? { ...unknownFrom(run.anyVariable), template: given } : undefined };
    scope.set(name, cell);
  }
  return cell;
}
