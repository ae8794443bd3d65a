/** Where an operation was asked from, for the audit log: what is done while a request of the API is answered says `api`, without each handler passing it on. */
import { AsyncLocalStorage } from 'node:async_hooks';

const storage = new AsyncLocalStorage<string>();

export const askedBy = <T>(via: string, work: () => T): T => storage.run(via, work);
/** `control` is what handlers say of whoever asks; another way in is known here. */
export const viaNow = (said: string): string => (said === 'control' ? storage.getStore() ?? said : said);
