import { texts } from '../../text/lang.ts';

export const words = texts('overview', { en: { title: 'Overview' }, zh: { title: '总览' } });
