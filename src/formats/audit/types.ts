/** What the record types of programs and of the audit system itself mean. Facts of the audit record dictionary. */
export interface Meaning { category: string; action: string }

const meanings: Readonly<Record<string, Meaning>> = {
  USER_LOGIN: { category: 'authentication', action: 'login' },
  // sshd's own log tells of the attempt; these are its steps and must not be counted again.
  USER_AUTH: { category: 'authentication', action: 'login-detail' },
  USER_ACCT: { category: 'authentication', action: 'login-detail' },
  USER_ERR: { category: 'authentication', action: 'login-detail' },
  CRED_ACQ: { category: 'authentication', action: 'credentials' },
  CRED_DISP: { category: 'authentication', action: 'credentials' },
  CRED_REFR: { category: 'authentication', action: 'credentials' },
  USER_START: { category: 'session', action: 'session-start' },
  USER_END: { category: 'session', action: 'session-end' },
  USER_LOGOUT: { category: 'session', action: 'session-end' },
  LOGIN: { category: 'session', action: 'session-detail' },
  ADD_USER: { category: 'account', action: 'user-add' },
  DEL_USER: { category: 'account', action: 'user-remove' },
  ADD_GROUP: { category: 'account', action: 'group-add' },
  DEL_GROUP: { category: 'account', action: 'group-remove' },
  USER_CHAUTHTOK: { category: 'account', action: 'password-change' },
  USER_MGMT: { category: 'account', action: 'user-change' },
  GRP_MGMT: { category: 'account', action: 'group-change' },
  GRP_CHAUTHTOK: { category: 'account', action: 'group-change' },
  CHGRP_ID: { category: 'account', action: 'group-change' },
  CHUSER_ID: { category: 'account', action: 'user-change' },
  ACCT_LOCK: { category: 'account', action: 'user-lock' },
  ACCT_UNLOCK: { category: 'account', action: 'user-unlock' },
  RESP_ACCT_LOCK: { category: 'account', action: 'account-locked' },
  USER_CMD: { category: 'privilege', action: 'command' },
  USER_ROLE_CHANGE: { category: 'privilege', action: 'role-change' },
  SERVICE_START: { category: 'service', action: 'service-start' },
  SERVICE_STOP: { category: 'service', action: 'service-stop' },
  SYSTEM_BOOT: { category: 'service', action: 'system-boot' },
  SYSTEM_SHUTDOWN: { category: 'service', action: 'system-shutdown' },
  DAEMON_START: { category: 'audit', action: 'audit-start' },
  DAEMON_END: { category: 'audit', action: 'audit-stop' },
  DAEMON_ABORT: { category: 'audit', action: 'audit-stop' },
  DAEMON_CONFIG: { category: 'audit', action: 'config-change' },
  CONFIG_CHANGE: { category: 'audit', action: 'config-change' },
  USYS_CONFIG: { category: 'audit', action: 'config-change' },
  FEATURE_CHANGE: { category: 'audit', action: 'config-change' },
  AVC: { category: 'audit', action: 'access-denied' },
  USER_AVC: { category: 'audit', action: 'access-denied' },
  SECCOMP: { category: 'audit', action: 'access-denied' },
  MAC_STATUS: { category: 'audit', action: 'config-change' },
  MAC_POLICY_LOAD: { category: 'audit', action: 'config-change' },
  KERN_MODULE: { category: 'kernel', action: 'module-load' },
  BPF: { category: 'kernel', action: 'bpf' },
  NETFILTER_CFG: { category: 'firewall', action: 'config-change' },
  ANOM_PROMISCUOUS: { category: 'network', action: 'promiscuous' },
  ANOM_ABEND: { category: 'process', action: 'crash' },
  ANOM_LINK: { category: 'file', action: 'suspicious-link' },
  TTY: { category: 'process', action: 'terminal-input' },
  USER_TTY: { category: 'process', action: 'terminal-input' },
  EXECVE: { category: 'process', action: 'process-start' },
  SYSCALL: { category: 'process', action: 'syscall' },
  PATH: { category: 'file', action: 'file-access' },
  SOCKADDR: { category: 'network', action: 'socket' },
};

const fallback: Meaning = { category: 'audit', action: 'audit' };

export const meaningOf = (type: string): Meaning => meanings[type] ?? fallback;

/** Records that programs send: each is an event of its own, nothing follows with its serial. */
export function standsAlone(type: string): boolean {
  return /^(?:USER_|CRED_|ADD_|DEL_|GRP_|CHGRP_|CHUSER_|ACCT_|SERVICE_|SYSTEM_|DAEMON_|RESP_|CRYPTO_|VIRT_|USYS_|SOFTWARE_|LABEL_|ROLE_|DEV_|TRUSTED_APP|TEST|ANOM_(?:LOGIN|ADD|DEL|ACCT|CRYPTO|EXEC|MK_EXEC|MOD_ACCT|AMTU|RBAC|ROOT_TRANS|ABEND))/.test(type);

}
