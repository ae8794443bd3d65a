import { AppTable } from '../app-reader.ts';
import { apps } from './table.ts';

/** The table made ready once, for files and for what comes by syslog or the journal. */
export const appTable = new AppTable(apps);
