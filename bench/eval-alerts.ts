/** The alerts that our own rules raise on a recorded file, just as `moat replay` does it. */
import { configSchema } from '../src/agent/config-schema.ts';
import { openDetector } from '../src/agent/detector.ts';
import { replay } from '../src/agent/replay.ts';
import type { AlertsOf } from './eval-crowdsec.ts';

const config = configSchema.parse({});

export const alertsOf: AlertsOf = async (file, format) => {
  const { detector } = openDetector({ config, warn: (text) => { throw new Error(text); } });
  const result = await replay({ files: [file], format, lang: 'en', detect: detector });
  for (const { error } of result.files) if (error !== undefined) throw new Error(error);
  return result.alerts.map(({ alert }) => ({ ...(alert.source_ip !== undefined && { source_ip: alert.source_ip }) }));
};
