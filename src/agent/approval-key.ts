/** The key that approvals are signed with: made once, in the data folder, for its owner alone. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { keyBytes } from '../engine/notices/approval.ts';
import { keptKey } from '../linux/kept-key.ts';

const name = 'approval.key';

/** Throws MoatError 'key' when the file is not one of ours, or others can read it. */
export function approvalKey(dataFolder: string): Buffer {
  return keyAt(join(dataFolder, name));
}

/** The key in this file, made when there is none. Throws MoatError 'key' as above. */
export function keyAt(path: string): Buffer {
  return keptKey(path, {
    what: { zh: '审批密钥', en: 'the approval key' }, lost: { zh: '已发出的审批随之失效', en: 'approvals that are out lose their worth' }, make: () => randomBytes(keyBytes),
    read(bytes) {
      if (bytes.length !== keyBytes) throw new Error(`it has ${bytes.length} bytes, not ${keyBytes}`);
      return bytes;
    },
  });
}
