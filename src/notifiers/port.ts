/** What a channel for notices is: how a notice is written for it, how it is sent, what it can take. */
import * as z from 'zod';
import { MoatError } from '../core/error.ts';
import type { Notice, Outcome } from '../core/notice.ts';
import type { Text } from '../core/text.ts';
import type { Secret } from './settings.ts';
import { Scrubber } from './scrub.ts';

/** What the service takes: notices in any 60 s and in any second, and bytes of the body (of what exactly, each channel says). */
export interface Limits { perMinute: number; perSecond?: number; bytes: number }

export interface SendContext {
  signal: AbortSignal;
  /** Unix ms. */
  now: () => number;
  /** The value of a secret. Throws NotifierError when its file or variable cannot be read. */
  secret: (from: Secret) => string;
}

export type NotifierErrorCode = 'secret' | 'url' | 'settings';

/** A setting of a channel that cannot work. The text never holds the secret itself. */
export class NotifierError extends MoatError<NotifierErrorCode> {
  declare readonly text: Text;
  constructor(code: NotifierErrorCode, text: Text, options: { cause?: unknown } = {}) {
    super(code, text.en, { ...options, text });
    this.name = 'NotifierError';
  }
}

/** What each folder of this room writes down. `Shape`: its own settings; `Body`: a notice as it will be sent. */
export interface Spec<Shape extends z.ZodRawShape, Body> {
  /** Same as its folder. */
  id: string;
  title: Text;
  settings: Shape;
  limits: Limits;
  /** Pure. Text in the notice may be an attacker's: it is made inert here. */
  render(notice: Notice, settings: z.infer<z.ZodObject<Shape>>): Body;
  /** Throws NotifierError for settings that cannot work; whatever the service or the network says is an Outcome. */
  send(body: Body, settings: z.infer<z.ZodObject<Shape>>, context: SendContext): Promise<Outcome>;
  /** Where it would connect to; throws NotifierError. For `moat doctor`. */
  target(settings: z.infer<z.ZodObject<Shape>>, secret: SendContext['secret']): { host: string; port: number };
  /** Whether the alerts are wanted as an attachment. */
  attaches?(settings: z.infer<z.ZodObject<Shape>>): boolean;
}

/** A channel with its types closed over: `settings` are its entry of the configuration. */
export interface Notifier {
  id: string;
  title: Text;
  settings: z.ZodRawShape;
  limits: Limits;
  deliver: (notice: Notice, settings: unknown, context: SendContext) => Promise<Outcome>;
  target: (settings: unknown, secret: SendContext['secret']) => { host: string; port: number };
  attaches: (settings: unknown) => boolean;
}

/** No secret that was asked for comes back in an outcome, whatever a service or a library says. `deliver` throws only what the signal says. */
export function notifier<Shape extends z.ZodRawShape, Body>(spec: Spec<Shape, Body>): Notifier {
  const schema = z.object(spec.settings);
  return {
    id: spec.id, title: spec.title, settings: spec.settings, limits: spec.limits,
    async deliver(notice, settings, context) {
      const known = schema.parse(settings);
      const scrubber = new Scrubber();
      const secret: SendContext['secret'] = (from) => scrubber.learn(context.secret(from));
      try {
        return scrubber.outcome(await spec.send(spec.render(notice, known), known, { ...context, secret }));
      } catch (error) {
        if (error instanceof NotifierError) return { kind: 'refused', about: 'channel', code: error.code, what: error.text };
        context.signal.throwIfAborted();
        const message = error instanceof Error ? error.message : String(error);
        return scrubber.outcome({ kind: 'refused', about: 'unknown', code: 'error', what: { zh: message, en: message } });
      }
    },
    target: (settings, secret) => spec.target(schema.parse(settings), secret),
    attaches: (settings) => spec.attaches?.(schema.parse(settings)) ?? false,
  };
}
