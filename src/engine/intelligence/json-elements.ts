/**
 * Elements of named arrays out of JSON handed over in pieces, so that a list of hundreds of megabytes never
 * stands in memory as a whole. `{"objects":[{…},{…}]}` with the name `objects` gives the two objects.
 */
const elementMax = 256 * 1024;
const depthMax = 64;
const keyMax = 200;

export interface JsonElements {
  push(text: string): void;
  end(): void;
  /** Set when it is no JSON as far as that shows from outside the elements. */
  readonly fault: string | undefined;
}

/** What stands open: an array (with the key it belongs to) or an object. */
interface Open { array: boolean; key: string; wanted: boolean }

/** `each` is given every object that stands directly in a wanted array, parsed; `refuse` is told of those too large or broken. */
export function jsonElements(names: ReadonlySet<string>, each: (element: Record<string, unknown>) => void, refuse: () => void): JsonElements {
  const stack: Open[] = [];
  let fault: string | undefined;
  let seen = false;
  let inString = false;
  let escaped = false;
  /** Last string that ended, and the key that the next value belongs to. */
  let text = '';
  let key = '';
  /** Depth at which the element that is being collected stands; 0 for none. */
  let collecting = 0;
  let collected = '';
  let tooLarge = false;

  const open = (array: boolean): void => {
    const around = stack.at(-1);
    if (stack.length >= depthMax) { fault = `expected at most ${depthMax} levels, got more`; return; }
    stack.push({ array, key: around?.array === false ? key : '', wanted: array && around?.array === false && names.has(key) });
    key = '';
  };

  const done = (): void => {
    if (tooLarge) refuse();
    else {
      let value: unknown;
      try { value = JSON.parse(collected); } catch { value = undefined; /* refused just below */ }
      if (typeof value === 'object' && value !== null) each(value as Record<string, unknown>);
      else refuse();
    }
    collected = '';
    tooLarge = false;
    collecting = 0;
  };

  const keep = (piece: string): void => {
    if (collected.length + piece.length > elementMax) { tooLarge = true; collected = ''; }
    if (!tooLarge) collected += piece;
  };

  return {
    get fault() { return fault; },
    push(piece) {
      if (fault !== undefined) return;
      let from = 0; // of the part of the piece that belongs to the element or string
      for (let i = 0; i < piece.length; i++) {
        const code = piece.charCodeAt(i);
        if (inString) {
          if (escaped) escaped = false;
          else if (code === 92) escaped = true;
          else if (code === 34) {
            inString = false;
            if (collecting === 0 && text.length < keyMax) text += piece.slice(from, i);
          }
          continue;
        }
        switch (code) {
          case 34:
            inString = true;
            if (collecting === 0) { text = ''; from = i + 1; }
            break;
          case 58: if (collecting === 0) key = text; break;
          case 44: if (collecting === 0) key = ''; break;
          case 123: case 91: {
            seen = true;
            const wanted = stack.at(-1)?.wanted === true && code === 123;
            open(code === 91);
            if (fault !== undefined) return;
            if (wanted && collecting === 0) { collecting = stack.length; from = i; }
            break;
          }
          case 125: case 93: {
            const closed = stack.pop();
            if (closed?.array !== (code === 93)) { fault = `expected JSON, got ${code === 93 ? ']' : '}'} out of place`; return; }
            if (collecting > stack.length) { keep(piece.slice(from, i + 1)); done(); }
            break;
          }
          default:
            if (!seen && code !== 32 && code !== 9 && code !== 10 && code !== 13 && code !== 0xfeff) { fault = 'expected JSON, got text'; return; }
        }
      }
      if (collecting > 0) keep(piece.slice(from));
      else if (inString && text.length < keyMax) text += piece.slice(from);
    },
    end() {
      if (fault === undefined && (!seen || stack.length > 0)) fault = seen ? 'expected whole JSON, got a part of it' : 'expected JSON, got nothing';
    },
  };
}
