/** Rows of the queue of notices, and how each channel stands. */
import { levels, type Level } from '../../core/level.ts';
import type { ChannelState, NoticeQueue, NoticeRow, NoticeRows, QueuedNotice } from '../../core/notice.ts';
import { type Database, guarded, type Row, transaction } from './driver.ts';
import { fromJson } from './events.ts';

export interface SqliteNotices extends NoticeQueue {
  /** For a caller that has a transaction open. */
  save(rows: NoticeRows): void;
}

/** More than this never stands in one queue, whatever the caller says. */
const hardMax = 20_000;
const rank = (level: Level): number => levels.indexOf(level);

export function openNotices(db: Database, file: string): SqliteNotices {
  // What waits is told as it stands now, and at the worst level that it had.
  const put = db.prepare(`INSERT INTO notice (channel, rank, subject, time, alert) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (channel, subject) WHERE under_way = 0 DO UPDATE SET rank = max(rank, excluded.rank), alert = excluded.alert`);
  const size = db.prepare('SELECT count(*) AS n FROM notice WHERE channel = ? AND under_way = 0');
  const dropMildest = db.prepare('DELETE FROM notice WHERE seq IN (SELECT seq FROM notice WHERE channel = ? AND under_way = 0 ORDER BY rank, seq LIMIT ?)');
  const countDropped = db.prepare('INSERT INTO notice_channel (channel, dropped, untold) VALUES (?1, ?2, ?2) ON CONFLICT (channel) DO UPDATE SET dropped = dropped + ?2, untold = untold + ?2');
  const waiting = db.prepare('SELECT rank, count(*) AS n, min(time) AS since FROM notice WHERE channel = ? AND under_way = 0 GROUP BY rank');
  const rowsOf = db.prepare('SELECT * FROM notice WHERE channel = ? AND under_way = 0 AND rank = ? ORDER BY seq');
  const rowsUnderWay = db.prepare('SELECT * FROM notice WHERE channel = ? AND under_way = 1 ORDER BY seq');
  const channelRow = db.prepare('SELECT * FROM notice_channel WHERE channel = ?');
  const putState = db.prepare('INSERT INTO notice_channel (channel, state) VALUES (?, ?) ON CONFLICT (channel) DO UPDATE SET state = excluded.state');
  const take = db.prepare('UPDATE notice SET under_way = 1 WHERE seq = ? AND channel = ? AND under_way = 0');
  const nameNotice = db.prepare('UPDATE notice_channel SET notice_id = ?, notice_dropped = untold, untold = 0 WHERE channel = ?');
  const remove = db.prepare('DELETE FROM notice WHERE channel = ? AND under_way = 1');
  const forgetNotice = db.prepare('UPDATE notice_channel SET notice_id = NULL, notice_dropped = 0 WHERE channel = ?');
  const tellAgain = db.prepare('UPDATE notice_channel SET untold = untold + notice_dropped WHERE channel = ?');
  const channels = db.prepare('SELECT channel FROM notice_channel UNION SELECT channel FROM notice');
  const clearRows = db.prepare('DELETE FROM notice WHERE channel = ?');
  const clearState = db.prepare('DELETE FROM notice_channel WHERE channel = ?');

  const toRow = (row: Row): NoticeRow => ({
    seq: Number(row['seq']), channel: String(row['channel']), subject: String(row['subject']), level: levels[Number(row['rank'])] ?? 'info',
    time: Number(row['time']), alert: fromJson(row['alert']!, file, 'alert') as QueuedNotice['alert'],
  });
  const saveState = (channel: string, state: ChannelState): void => { putState.run(channel, JSON.stringify(state)); };
  const inOne = (work: () => void): void => guarded(file, () => transaction(db, work));

  return {
    save({ rows, max, dropped }) {
      for (const row of rows) put.run(row.channel, rank(row.level), row.subject, row.time, JSON.stringify(row.alert));
      for (const [channel, n] of dropped ?? []) if (n > 0) countDropped.run(channel, n);
      for (const channel of new Set(rows.map((row) => row.channel))) {
        const over = Number(size.get(channel)!['n']) - Math.min(max, hardMax);
        if (over > 0) countDropped.run(channel, Number(dropMildest.run(channel, over).changes));
      }
    },

    waiting: (channel) => guarded(file, () => waiting.all(channel).map((row) => ({ level: levels[Number(row['rank'])] ?? 'info', count: Number(row['n']), since: Number(row['since']) }))),

    rows: (channel, wanted) => guarded(file, () => wanted.flatMap((level) => rowsOf.all(channel, rank(level)).map(toRow)).sort((a, b) => a.seq - b.seq)),

    underWay(channel) {
      return guarded(file, () => {
        const row = channelRow.get(channel);
        const id = row?.['notice_id'];
        return typeof id === 'string' ? { id, rows: rowsUnderWay.all(channel).map(toRow), dropped: Number(row!['notice_dropped']) } : undefined;
      });
    },

    begin(channel, id, seqs, state) {
      inOne(() => {
        for (const seq of seqs) take.run(seq, channel);
        saveState(channel, state);
        nameNotice.run(id, channel);
      });
    },

    end(channel, state, arrived) {
      inOne(() => {
        const gone = Number(remove.run(channel).changes);
        if (!arrived) {
          tellAgain.run(channel);
          if (gone > 0) countDropped.run(channel, gone);
        }
        forgetNotice.run(channel);
        saveState(channel, state);
      });
    },

    state(channel) {
      const state = guarded(file, () => channelRow.get(channel))?.['state'];
      return typeof state === 'string' && state !== '' ? fromJson(state, file, 'state') as ChannelState : undefined;
    },

    setState: (channel, state) => guarded(file, () => saveState(channel, state)),

    dropped(channel) {
      const row = guarded(file, () => channelRow.get(channel));
      return { all: Number(row?.['dropped'] ?? 0), untold: Number(row?.['untold'] ?? 0) + Number(row?.['notice_dropped'] ?? 0) };
    },

    keepOnly(wanted) {
      let gone = 0;
      inOne(() => {
        for (const row of channels.all()) {
          const channel = String(row['channel']);
          if (wanted.includes(channel)) continue;
          gone += Number(clearRows.run(channel).changes);
          clearState.run(channel);
        }
      });
      return gone;
    },
  };
}
