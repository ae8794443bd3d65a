import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StoreError } from '../stores/error.ts';
import { openGuardedDatabase } from '../stores/sqlite/driver.ts';
import { blame, checkSql, place, tokens } from './sql.ts';

const words = (sql: string): string[] => tokens(sql).map((token) => token.text);

/** Text in which the characters that matter to SQL's quoting are common. */
const sqlText = fc.array(fc.oneof(fc.constantFrom("'", '"', '`', '[', ']', ';', '--', '/*', '*/', '\n', ' ', 'SELECT', '1', 'x', 'é', '\0'), fc.string({ maxLength: 4 })), { maxLength: 30 }).map((parts) => parts.join(''));

describe('tokens', () => {
  it('keeps quoted text and comments in one piece', () => {
    expect(words(`SELECT 'it''s; -- no' AS "a""b", [c;d], \`e;\` -- f;\n/* g; */ , h.i>=1`)).toEqual(['SELECT', "'it''s; -- no'", 'AS', '"a""b"', ',', '[c;d]', ',', '`e;`', ',', 'h', '.', 'i', '>', '=', '1']);
    expect(words("'open to the end; ")).toEqual(["'open to the end; "]);
    expect(words('a /* open to the end; ')).toEqual(['a']);
  });

  it('stand in order where they say, whatever the text is', () => {
    fc.assert(fc.property(sqlText, (sql) => {
      let end = 0;
      for (const token of tokens(sql)) {
        expect(token.start).toBeGreaterThanOrEqual(end);
        expect(token.end).toBeGreaterThan(token.start);
        expect(sql.slice(token.start, token.end)).toBe(token.text);
        end = token.end;
      }
    }));
  });
});

describe('checkSql', () => {
  it('lets through one reading statement and refuses anything else with a StoreError', () => {
    fc.assert(fc.property(sqlText, (sql) => {
      try {
        const checked = checkSql(sql);
        expect(sql.startsWith(checked)).toBe(true);
        expect(words(checked)).not.toContain(';');
        expect(['SELECT', 'WITH', 'VALUES', 'EXPLAIN']).toContain(words(checked)[0]!.toUpperCase());
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        expect(['refused', 'query']).toContain(error.code);
      }
    }), { numRuns: 500 });
  });

  it('cuts where SQLite itself ends the statement', () => {
    const db = openGuardedDatabase(':memory:');
    for (const sql of ["SELECT ';' ; ", 'SELECT 1 AS "a;b";', 'SELECT 1 AS [a;b] -- ;\n;', 'SELECT /* ; */ 1;;']) {
      expect(() => db.prepare(checkSql(sql))).not.toThrow();
    }
    db.close();
  });
});

describe('blame', () => {
  const db = openGuardedDatabase(':memory:');
  const complaint = (sql: string): string | undefined => {
    try {
      db.prepare(sql);
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  };
  const where = (sql: string): string => place(sql, blame(sql, complaint(sql)!, complaint)!);

  it('finds the very token, though the same word stands before it', () => {
    expect(where('SELECT 1 AS a,\n 2 AS b FROM FROM x')).toBe('at line 2, column 14');
    expect(where("SELECT 'FROM' FROM (SELECT 1) FROM x")).toBe('at line 1, column 31');
    expect(where("SELECT 'nosuch', nosuch")).toBe('at line 1, column 18');
    expect(where('SELECT 1, t.nosuch FROM (SELECT 1) AS t')).toBe('at line 1, column 13');
    expect(where('SELECT nosuch(1)')).toBe('at line 1, column 8');
    expect(where('SELECT * FROM "no such"')).toBe('at line 1, column 15');
  });

  it('does not guess about other complaints', () => {
    expect(blame('SELECT (', complaint('SELECT (')!, complaint)).toBeUndefined();
  });
});
