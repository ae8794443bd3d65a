/** Which services the product answers for; the others are shown apart. */

const inScope: Readonly<Record<string, readonly string[]>> = {
  sshd: ['sshd', 'ssh', 'sshd-*', 'ssh-*', 'selinux-ssh', 'dropbear'],
  web: ['apache*', 'nginx*', 'lighttpd*', 'haproxy*', 'traefik*', 'caddy*', 'envoy*', 'litespeed*', 'bunkerweb*', 'openappsec*', 'modsecurity*', 'php-url-fopen', 'suhosin', 'http-*', 'base-http*', 'iis*', 'tomcat*',
    'CVE-*', 'cve-*', '*_cve-*', '*-cve-*', '*_log4j2*', 'spring4shell*', 'vmware-vcenter-vmsa*', 'thinkphp*', 'sap-probing', 'cowrie_http*', 'netscaler*'],
  ftp: ['vsftpd*', 'proftpd*', 'pure-ftpd*', 'pureftpd*', 'wuftpd', 'gssftpd', 'bsdftp', 'sftpgo*'],
  mail: ['postfix*', 'dovecot*', 'exim*', 'sendmail*', 'courier*', 'cyrus*', 'sieve', 'uwimap*', 'qmail', 'kerio', 'perdition', 'solid-pop3d', 'domino*', 'assp', 'oracleims', 'opensmtpd*', 'exchange-*', 'zimbra*', 'mailu*', 'amavis*', 'mailscanner*',
    'roundcube*', 'squirrelmail', 'openwebmail', 'horde', 'sogo*', 'rspamd*', 'mail-*'],
  database: ['mysql*', 'mariadb*', 'pgsql*', 'postgres*', 'mongodb*', 'mssql*', 'couchdb*', 'redis*', 'supabase*', 'supavisor*', 'phpmyadmin*', 'clickhouse*', 'elasticsearch*'],
  panel: ['directadmin', 'froxlor*', 'webmin*', 'cpanel*', 'plesk*', 'ispconfig*', 'bt-panel*', '1panel*', 'aapanel*', 'cyberpanel*', 'hestia*', 'vesta*', 'proxmox*', 'cockpit*', 'ajenti*', 'pterodactyl*'],
};

const patterns = Object.entries(inScope).flatMap(([group, names]) => names.map((name) => ({ group, match: matcher(name) })));

/** The group in scope that a case belongs to by its name; undefined: out of scope. */
export function scopeOf(name: string): string | undefined {
  return patterns.find(({ match }) => match(name))?.group;
}

function matcher(pattern: string): (name: string) => boolean {
  const [start = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return (name) => name === pattern;
  return (name) => {
    if (!name.startsWith(start)) return false;
    let at = start.length;
    for (const part of rest) {
      const next = part === '' ? name.length : name.indexOf(part, at);
      if (next < 0) return false;
      at = next + part.length;
    }
    return true;
  };
}
