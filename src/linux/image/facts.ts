/** What an image says of itself: how it is run and how it was made. */
import { isJson, json, list, text, texts, words, type Json } from './json.ts';
import type { Layout } from './layout.ts';
import type { OddEntry } from './merge.ts';

export interface ImageFacts {
  kind: Layout['kind'];
  /** What a person calls it; empty when it has no name. */
  name: string;
  platform: string | undefined;
  /** Undefined when the archive has none: a root exported as one, or a configuration that cannot be read. */
  config: ImageConfig | undefined;
  layers: readonly { name: string; entries: number; bytes: number }[];
  /** Entries that no honest tool writes. */
  odd: readonly OddEntry[];
}

export interface ImageConfig {
  /** Empty for root. */
  user: string;
  entrypoint: readonly string[];
  command: readonly string[];
  /** Empty for none. */
  healthCheck: readonly string[];
  /** Run when others build on it. */
  onBuild: readonly string[];
  /** `NAME=value`. */
  environment: readonly string[];
  /** `80/tcp`. */
  ports: readonly string[];
  volumes: readonly string[];
  labels: Readonly<Record<string, string>>;
  history: readonly { command: string; created: string | undefined }[];
}

export function configOf(raw: Json): ImageConfig {
  const config = json(raw['config']);
  const keys = (value: unknown): string[] => (isJson(value) ? Object.keys(value).slice(0, 1000) : []);
  const labels = json(config['Labels']);
  return {
    user: text(config['User']) ?? '', entrypoint: words(config['Entrypoint']), command: words(config['Cmd']), healthCheck: words(json(config['Healthcheck'])['Test']),
    onBuild: texts(config['OnBuild']), environment: texts(config['Env']), ports: keys(config['ExposedPorts']), volumes: keys(config['Volumes']),
    labels: Object.fromEntries(keys(labels).flatMap((key) => { const value = text(labels[key]); return value === undefined ? [] : [[key, value]]; })),
    history: list(raw['history']).map(json).map((one) => ({ command: text(one['created_by']) ?? '', created: text(one['created']) })),
  };
}
