/** Small helpers of the samples; marks are filled in first. */
import { fill } from './sample.ts';

export const letters = (text: string): string => Array.from(fill(text), (char) => char.charCodeAt(0)).join(', ');
export const base64 = (text: string): string => Buffer.from(fill(text), 'latin1').toString('base64');
export const hexOf = (text: string): string => Buffer.from(fill(text), 'latin1').toString('hex');
export const backwards = (text: string): string => Array.from(fill(text)).reverse().join('');
export const percent = (text: string): string => Array.from(fill(text), (char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`).join('');
