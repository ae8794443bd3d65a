import type { DecodeContext, LinePlace, LogDecoder, LogFormat } from '../../core/format.ts';
import { Event } from '../../core/gen/event.ts';
import { openPrograms } from '../../programs/router.ts';
import { Times } from '../time.ts';

/** xrdp's own logs: `[20261122-02:27:01] [INFO ] text`, newer ones with milliseconds and `+0800` in the time. */
export const xrdpLog: LogFormat = {
  id: 'xrdp',
  title: { zh: 'xrdp 日志文件', en: 'xrdp log files' },
  paths: ['/var/log/xrdp.log', '/var/log/xrdp-sesman.log'],
  sniff: (line) => (/^\[\d{8}-\d\d:\d\d:\d\d(?:[.+-][^\]]{1,12})?\] \[[A-Z]{3,9} {0,3}\] /.test(line) ? 0.98 : 0),
  open: (context, emit) => new XrdpDecoder(context, emit),
};

const longestLine = 16 * 1024;

class XrdpDecoder implements LogDecoder {
  unparsed = 0;

  readonly #context: DecodeContext;
  readonly #emit: (event: Event) => void;
  readonly #times: Times;
  readonly #route = openPrograms();

  constructor(context: DecodeContext, emit: (event: Event) => void) {
    this.#context = context;
    this.#emit = emit;
    this.#times = new Times(context);
  }

  decode(raw: string, place: LinePlace): void {
    const line = raw.slice(0, longestLine).trimEnd();
    if (line === '') return;
    let time = line.charCodeAt(0) === 91 ? this.#times.compact(line, 1) : 0;
    const close = line.indexOf('] ', 10);
    if (line.charCodeAt(0) !== 91 || this.#times.next < 0 || close < 0 || close > 40) {
      this.unparsed += 1;
      time = this.#times.lost();
    }
    const event = new Event(`${this.#context.idPrefix}${place.position}`, time, 'syslog');
    event.host = this.#context.host;
    event.source = this.#context.source;
    event.process_name = 'xrdp';
    event.message = close > 0 && close <= 40 ? line.slice(close + 2) : line;
    if (place.line > 0) event.lines = [place.line];
    this.#route('xrdp', event.message, event);
    this.#emit(event);
  }

  flush(): void {
    // Nothing is held back: a line is an event.
  }
}
