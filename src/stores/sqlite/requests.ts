/** Questions to a person, their answers, and tokens that were used. */
import type { Level } from '../../core/level.ts';
import type { ActionRequest, Answer, RequestBook } from '../../core/notice.ts';
import type { Text } from '../../core/text.ts';
import { StoreError } from '../error.ts';
import { type Database, guarded, type Row, transaction } from './driver.ts';
import { fromJson } from './events.ts';
import { cutText, maxAlertText } from './pack.ts';

const mostOpen = 10_000;
/** Answers are kept this long after a request has expired. */
const keptMs = 30 * 86_400_000;

export function openRequests(db: Database, file: string): RequestBook {
  const insert = db.prepare('INSERT INTO request (id, created, expires, level, what) VALUES (?, ?, ?, ?, ?)');
  const byId = db.prepare('SELECT * FROM request WHERE id = ?');
  const open = db.prepare('SELECT * FROM request WHERE answer IS NULL AND expires > ? ORDER BY created');
  const size = db.prepare('SELECT count(*) AS n FROM request');
  const answer = db.prepare('UPDATE request SET answer = ?, answered = ?, answered_by = ? WHERE id = ? AND answer IS NULL');
  const used = db.prepare('SELECT 1 AS is_there FROM used_token WHERE id = ?');
  const use = db.prepare('INSERT INTO used_token (id, expires) VALUES (?, ?)');
  const oldTokens = db.prepare('DELETE FROM used_token WHERE expires < ?');
  const oldRequests = db.prepare('DELETE FROM request WHERE expires < ?');

  const toRequest = (row: Row): ActionRequest => {
    const request: ActionRequest = { id: String(row['id']), created: Number(row['created']), expires: Number(row['expires']), level: row['level'] as Level, what: fromJson(row['what']!, file, 'what') as Text };
    if (row['answer'] === null) return request;
    return { ...request, answer: row['answer'] as Answer, answered: Number(row['answered']), answeredBy: String(row['answered_by']) };
  };
  const short = (text: string): string => cutText(text, maxAlertText, () => undefined);

  return {
    add({ id, created, expires, level, what }) {
      guarded(file, () => {
        if (Number(size.get()!['n']) >= mostOpen) throw new StoreError('input', `expected at most ${mostOpen} requests, got more`);
        insert.run(id, created, expires, level, JSON.stringify({ zh: short(what.zh), en: short(what.en) }));
      });
    },

    get: (id) => guarded(file, () => { const row = byId.get(id); return row && toRequest(row); }),
    open: (now) => guarded(file, () => open.all(now).map(toRequest)),

    decide(id, given, by, now, token) {
      return guarded(file, () => transaction(db, () => {
        if (token && used.get(token.id)) return 'used';
        const row = byId.get(id);
        if (!row) return 'unknown';
        if (row['answer'] !== null) return 'answered';
        if (Number(row['expires']) <= now) return 'expired';
        if (token) use.run(token.id, token.expires);
        answer.run(given, now, short(by), id);
        return 'decided';
      }));
    },

    prune(now) {
      guarded(file, () => transaction(db, () => {
        oldTokens.run(now);
        oldRequests.run(now - keptMs);
      }));
    },
  };
}
