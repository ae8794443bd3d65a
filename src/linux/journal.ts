export const journalAvailable = async (): Promise<boolean> => false;
