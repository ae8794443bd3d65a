/** Every channel for notices. */
import { dingtalk } from './dingtalk/notifier.ts';
import { feishu } from './feishu/notifier.ts';
import { mail } from './mail/notifier.ts';
import type { Notifier } from './port.ts';
import { slack } from './slack/notifier.ts';
import { webhook } from './webhook/notifier.ts';
import { wecom } from './wecom/notifier.ts';

export const notifiers: readonly Notifier[] = [dingtalk, feishu, mail, slack, webhook, wecom];
