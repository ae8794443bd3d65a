/** The browser saves it under this name; nothing is opened. */
export function saveFile(name: string, type: string, data: BlobPart[]): void {
  const url = URL.createObjectURL(new Blob(data, { type }));
  Object.assign(document.createElement('a'), { href: url, download: name }).click();
  // The browser reads it after this returns.
  setTimeout(() => { URL.revokeObjectURL(url); }, 10_000);
}

/** A mark at the beginning tells spreadsheets that it is UTF-8. */
export const saveCsv = (name: string, csv: string): void => { saveFile(name, 'text/csv', ['\ufeff', csv]); };
