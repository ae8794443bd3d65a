import type { Event, Program } from '../core/format.ts';
import type { Text } from '../core/text.ts';
import { Attempts, failedLogin } from './attempts.ts';
import { pamFailure } from './pam-failure.ts';

/** One line of an FTP server; false when it is not one of those that are understood. */
type FtpLine = (message: string, event: Event, attempts: Attempts) => boolean;

/** An FTP server that writes under its own name and asks PAM, which may tell of the same failure before it. */
export function ftpServer(id: string, title: Text, line: FtpLine): Program {
  return {
    id, title, tags: [id],
    open() {
      const attempts = new Attempts();
      return {
        decode(message, event) {
          if (pamFailure(message, event)) failedLogin(event, attempts, 0);
          else if (!line(message, event, attempts)) return false;
          event.kind = 'ftp';
          event.service = id;
          return true;
        },
      };
    },
  };
}
