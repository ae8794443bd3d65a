/** What can be seen here, what cannot, and what to do about it. */
import { accessSync, constants, existsSync } from 'node:fs';
import type { Text } from '../core/text.ts';
import type { PartState } from '../engine/health.ts';
import type { Config } from './config-schema.ts';
import { diagnoseChannels } from './doctor-notices.ts';
import { diagnoseFirewall } from './firewall.ts';
import { kernelFeatures } from '../sensors/ebpf/features.ts';
import { allSensors } from './sensors.ts';

export interface Diagnosis { part: string; state: PartState; what: Text; todo?: Text }

/** What this configuration cannot see even when everything works. */
export async function blindSpots(config: Config, countryTable: string | undefined): Promise<Text[]> {
  return [
    ...(await allSensors(config)).filter(({ enabled }) => enabled).map(({ sensor }) => sensor.blind),
    ...(countryTable === undefined ? [{ zh: '没有国家库，无法判断境外登录；可安装 tor-geoipdb 或在 geo.country 指定 .mmdb', en: 'no country table, so a log-in from abroad cannot be told; install tor-geoipdb or name an .mmdb in geo.country' }] : []),
  ];
}

/** Looks at the machine without changing it. */
export async function diagnose(config: Config, dataFolder: string, countryTable: string | undefined): Promise<Diagnosis[]> {
  const out: Diagnosis[] = [];
  if (process.getuid?.() !== 0) out.push({ part: 'root', state: 'blind', what: { zh: '不是 root：其他用户的进程与多数日志看不见', en: 'not root: processes of other users and most logs cannot be seen' }, todo: { zh: '用 root 运行，或 sudo moat install', en: 'run as root, or: sudo moat install' } });
  else out.push({ part: 'root', state: 'live', what: { zh: '以 root 运行', en: 'runs as root' } });
  let ebpf = false;
  for (const { sensor, enabled, why } of await allSensors(config)) {
    if (!enabled && why) { out.push({ part: sensor.id, state: 'waiting', what: why }); continue; }
    if (!enabled) { out.push({ part: sensor.id, state: 'blind', what: { zh: '已在配置中关闭', en: 'switched off in the configuration' } }); continue; }
    if ((sensor.id === 'connector' || sensor.id === 'fanotify') && ebpf) { out.push({ part: sensor.id, state: 'waiting', what: { zh: `备用：${sensor.title.zh}，仅在 eBPF 不可用时启用`, en: `standing by: ${sensor.title.en}, used only where eBPF does not work` } }); continue; }
    let whole = true;
    for (const need of sensor.needs ?? []) {
      if (await need.met()) continue;
      whole = false;
      out.push({ part: sensor.id, state: 'blind', what: need.what, todo: need.fix });
    }
    if (whole) out.push({ part: sensor.id, state: 'live', what: sensor.title });
    if (!whole || sensor.id !== 'ebpf') continue;
    ebpf = true;
    // A part of it that is missing blinds it in part only.
    out.push(...kernelFeatures().map(({ name, there, what, todo }): Diagnosis => ({ part: `ebpf ${name}`, state: there ? 'live' : 'waiting', what, ...(todo && { todo }) })));
  }
  out.push(countryTable === undefined
    ? { part: 'geo', state: 'blind', what: { zh: '没有国家库', en: 'no country table' }, todo: { zh: 'apt install tor-geoipdb，或在 geo.country 指定 .mmdb', en: 'apt install tor-geoipdb, or name an .mmdb in geo.country' } }
    : { part: 'geo', state: 'live', what: { zh: `国家库 ${countryTable}`, en: `country table ${countryTable}` } });
  out.push(writable(dataFolder)
    ? { part: 'store', state: 'live', what: { zh: `数据目录 ${dataFolder}`, en: `data folder ${dataFolder}` } }
    : { part: 'store', state: 'blind', what: { zh: `数据目录 ${dataFolder} 不可写`, en: `data folder ${dataFolder} cannot be written` }, todo: { zh: '用 --data 指定另一个目录', en: 'name another one with --data' } });
  out.push(diagnoseFirewall(config.response.firewall));
  out.push(...await diagnoseChannels(config.notices));
  return out;
}

function writable(folder: string): boolean {
  let at = folder;
  while (!existsSync(at) && at !== '/') at = at.slice(0, at.lastIndexOf('/')) || '/';
  try {
    accessSync(at, constants.W_OK);
    return true;
  } catch { return false; /* the answer that was asked for */ }
}
