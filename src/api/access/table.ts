/**
 * Who may ask for what, a second time and by itself: a route that is not in this table, or with another permission than here, keeps the
 * server from starting. Whoever adds a route thinks twice; whoever changes a permission in passing is noticed.
 */
import type { Access } from '../contract/route.ts';

export const accessTable: Readonly<Record<string, Access>> = {
  // anyone
  'about': 'anyone', 'approval': 'anyone', 'approval-answer': 'anyone', 'log-on': 'anyone', 'passkey-log-on': 'anyone', 'passkey-log-on-options': 'anyone', 'setup': 'anyone',
  'setup-state': 'anyone',
  // person
  'elevation-ask': 'person', 'elevation-end': 'person', 'elevations': 'person', 'end-own-session': 'person', 'log-off': 'person', 'own-password': 'person', 'passkey-add': 'person', 'passkey-options': 'person', 'passkey-remove': 'person', 'passkey-rename': 'person', 'passkeys': 'person',
  'own-sessions': 'person', 'recovery-renew': 'person', 'roles': 'person', 'session': 'person', 'token-add': 'person',
  'token-end': 'person', 'tokens': 'person', 'totp-begin': 'person', 'totp-confirm': 'person', 'totp-off': 'person',
  // read
  'alert': 'read', 'alerts': 'read', 'allow-list': 'read', 'blocks': 'read', 'checks': 'read', 'containers': 'read', 'denied': 'read', 'evidence-all': 'read', 'evidence-key': 'read', 'evidence-one': 'read',
  'exception-preview': 'read', 'exceptions': 'read', 'finding': 'read', 'findings': 'read', 'grants': 'read', 'host': 'read', 'incident': 'read', 'incident-evidence': 'read',
  'incident-evidence-verify': 'read', 'incident-indicators': 'read', 'incident-plan-kept': 'read', 'incident-recovery': 'read', 'incident-report': 'read',
  'incident-story': 'read', 'incidents': 'read', 'integrity': 'read', 'intelligence': 'read', 'intelligence-check': 'read', 'job': 'read', 'jobs': 'read', 'linkage': 'read', 'listeners': 'read', 'matrix': 'read', 'mode': 'read',
  'notices': 'read', 'origin': 'read', 'overview': 'read', 'packages': 'read', 'patches': 'read', 'playbook': 'read', 'playbooks': 'read',
  'port-list': 'read', 'posture': 'read', 'processes': 'read', 'quarantine': 'read', 'receipt': 'read', 'receipts': 'read', 'requests': 'read',
  'rule': 'read', 'rules': 'read', 'run': 'read', 'runs': 'read', 'scan': 'read', 'scans': 'read', 'sensors': 'read', 'stats': 'read', 'status': 'read', 'system': 'read',
  'users': 'read', 'zones': 'read',
  // triage
  'alert-change': 'triage', 'exception-add': 'triage', 'exception-remove': 'triage', 'incident-change': 'triage', 'incident-merge': 'triage', 'scan-start': 'triage',
  // hunt
  'hunt': 'hunt', 'hunt-queries': 'hunt', 'hunt-query-remove': 'hunt', 'hunt-query-save': 'hunt', 'hunt-schema': 'hunt', 'rule-check': 'hunt', 'rule-test': 'hunt', 'rule-test-result': 'hunt', 'rule-test-stop': 'hunt',
  // act
  'allow-add': 'act', 'allow-remove': 'act', 'block': 'act', 'blocks-drop': 'act', 'blocks-import': 'act', 'deny': 'act', 'deny-end': 'act', 'finding-fix': 'act', 'incident-evidence-collect': 'act', 'incident-indicators-apply': 'act',
  'do-change-mode': 'act', 'do-change-setting': 'act', 'do-close-port': 'act', 'do-cloud-step': 'act', 'do-deny-file': 'act', 'do-end-sessions': 'act', 'do-isolate-host': 'act', 'do-lock-account': 'act', 'do-rate-limit': 'act',
  'do-remove-line': 'act', 'do-restore-file': 'act', 'do-stop-container': 'act', 'do-stop-unit': 'act', 'do-unload-module': 'act', 'isolation-confirm': 'act', 'isolation-end': 'act',
  'evidence-collect': 'act', 'evidence-content': 'act', 'evidence-hold': 'act', 'evidence-release': 'act', 'incident-recovery-check': 'act', 'incident-recovery-services': 'act', 'quarantine-content': 'act',
  'incident-plan': 'act', 'incident-recovery-plan': 'act', 'incident-recovery-step': 'act', 'incident-recovery-undo': 'act', 'incident-step': 'act', 'incident-undo': 'act',
  'incident-verify': 'act', 'job-stop': 'act', 'pause': 'act', 'playbook-run': 'act', 'process-freeze': 'act', 'process-kill': 'act', 'quarantine-add': 'act',
  'quarantine-restore': 'act', 'receipt-confirm': 'act', 'receipt-undo': 'act', 'run-stop': 'act', 'unblock': 'act',
  // approve
  'incident-recovery-finish': 'approve', 'request-answer': 'approve', 'run-approve': 'approve', 'run-reject': 'approve',
  // audit
  'audit': 'audit', 'audit-verify': 'audit',
  // accounts
  'account-add': 'accounts', 'account-change': 'accounts', 'account-remove': 'accounts', 'account-sessions': 'accounts', 'account-sessions-end': 'accounts', 'accounts': 'accounts', 'elevation-approve': 'accounts', 'elevation-reject': 'accounts',
  // system
  'evidence-remove': 'system', 'grant': 'system', 'mode-set': 'system', 'notice-test': 'system', 'port-list-preview': 'system', 'port-list-reset': 'system', 'port-list-set': 'system', 'reload': 'system', 'rule-remove': 'system', 'rule-save': 'system',
  'zones-preview': 'system', 'zones-reset': 'system', 'zones-set': 'system',
};
