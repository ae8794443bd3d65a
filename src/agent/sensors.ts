/** The sensors that the configuration switches on, wired to the decoders. */
import { join } from 'node:path';
import type { DecodeContext, Event, LogDecoder } from '../core/format.ts';
import type { Sensor } from '../core/ports.ts';
import type { Text } from '../core/text.ts';
import { openDecoder, usualLogs } from '../engine/decode.ts';
import { MoatError } from '../core/error.ts';
import { journalState } from '../linux/journal.ts';
import { connectorSensor } from '../sensors/connector/sensor.ts';
import type { DenyList } from '../sensors/ebpf/deny.ts';
import { ebpfSensor } from '../sensors/ebpf/sensor.ts';
import { fanotifySensor } from '../sensors/fanotify/sensor.ts';
import { healthSensor } from '../sensors/health/sensor.ts';
import { journalSensor } from '../sensors/journal/sensor.ts';
import { journalTwins, logfileSensor } from '../sensors/logfile/sensor.ts';
import { KernelView } from '../sensors/kernel-view.ts';
import { metricsSensor } from '../sensors/metrics/sensor.ts';
import { processSensor } from '../sensors/process/sensor.ts';
import type { Config } from './config-schema.ts';
import { installRoot } from './paths.ts';
import { localZone } from './zone.ts';

/** `why`: what keeps a sensor off other than the configuration. */
export interface SensorChoice { sensor: Sensor; enabled: boolean; why?: Text | undefined }

const hourMs = 3_600_000;

/** Logs of other kinds that stand in the usual places: rotated copies and what is no log. */
const never = ['/var/log/**/*.gz', '/var/log/**/*.xz', '/var/log/**/*.bz2', '/var/log/**/*.zst', '/var/log/journal/**', '/var/log/private/**'];

export interface SensorWiring {
  /** What the kernel sensor keeps from running. */
  deny?: DenyList;
  /** Told who sees what. */
  view?: KernelView;
  /** Told when events of files were lost. */
  onLoss?: () => void;
}

/** Who tells what the kernel does, under this configuration. */
export const kernelView = ({ processes }: Config): KernelView => new KernelView(processes.enabled && processes.kernel ? ['ebpf', 'connector'] : []);

/** Every sensor with whether it is on. When the journal is live, the files that repeat it are left out. */
export async function allSensors(config: Config, { deny, view = kernelView(config), onLoss }: SensorWiring = {}): Promise<SensorChoice[]> {
  const state = config.logs.journal === 'auto' ? await journalState() : undefined;
  const journal = state?.live ?? false;
  const zoneOffset = localZone();
  const firstReadMs = config.logs.first_hours * hourMs;
  const globs = [...(config.logs.usual ? usualLogs() : []), ...config.logs.files];
  const exclude = [...never, ...config.logs.exclude, ...(journal ? journalTwins : [])];
  const kernel = config.processes.enabled && config.processes.kernel;
  const loss = onLoss && { onLoss };
  return [
    { enabled: kernel, sensor: ebpfSensor({ objects: join(installRoot(), 'sensor'), view, files: config.files.enabled && config.files, ...(deny && { deny }), ...loss }) },
    { enabled: kernel, sensor: connectorSensor({ view }) },
    { enabled: config.files.enabled, sensor: fanotifySensor({ view, watch: config.files.watch, ignore: config.files.ignore, ...loss }) },
    { enabled: journal, why: state?.why, sensor: journalSensor({ open: (context, emit) => openDecoder('journal', [], context, emit).decoder, zoneOffset, firstReadMs }) },
    { enabled: globs.length > 0, sensor: logfileSensor({ globs, exclude, zoneOffset, firstReadMs, open: (_path, sample, context, emit) => openRecognised(sample, context, emit) }) },
    { enabled: config.processes.enabled, sensor: processSensor({ everyMs: config.processes.every_seconds * 1000, ...(kernel && { kernel: view }) }) },
    { enabled: config.metrics.enabled, sensor: metricsSensor({ everyMs: config.metrics.every_seconds * 1000 }) },
    { enabled: config.health_checks.urls?.length !== 0, sensor: healthSensor({ everyMs: config.health_checks.every_seconds * 1000, ...(config.health_checks.urls && { urls: config.health_checks.urls }) }) },
  ];
}

/** Undefined when no format knows the lines: the sensor says so of that file. */
function openRecognised(sample: readonly string[], context: DecodeContext, emit: (event: Event) => void): LogDecoder | undefined {
  try {
    return openDecoder('auto', sample, context, emit).decoder;
  } catch (error) {
    if (error instanceof MoatError && error.code === 'unrecognised') return undefined;
    throw error;
  }
}
