/** `FOLDER FILE`: plans the quarantine of the file and writes how that ended. For processes that may do less than a test. */
import { quarantineFile } from '../../src/actions/quarantine-file/action.ts';
import type { MoatError } from '../../src/core/error.ts';
import { fileWorld } from './files.ts';

const [folder = '', path = ''] = process.argv.slice(2);
try {
  const { title } = await quarantineFile(fileWorld(folder)).plan({ path, why: '', by: '' }, { force: false, now: 0 });
  console.log(`planned: ${title.en}`);
} catch (error) {
  const { code, message } = error as MoatError;
  console.log(`${code}: ${message}`);
}
