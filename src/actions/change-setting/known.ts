/** Settings of services that response and clean-up need, as data: what may be said, how it takes effect, and whether it is told. */

export type ServiceKind = 'nginx' | 'redis' | 'mysql' | 'php';

export interface KnownSetting {
  key: string;
  /** What the value may look like, whole. */
  value: RegExp;
  /** `reload`: read anew without an interruption; `live`: told to the running service; `restart`: only a new start takes it in. */
  takes: 'reload' | 'live' | 'restart';
  /** Never shown. */
  secret?: true;
  /** Programs that use the service may be kept out: taken back by itself unless it is confirmed. */
  keepsOut?: true;
}

const onOff = /^(?:on|off)$/i;
const yesNo = /^(?:yes|no)$/;
const binary = /^(?:0|1|ON|OFF)$/i;
/** Nothing that a configuration file reads as more than a value. */
const path = /^(?:\/[\w.+@-]+)*\/?$/;
const names = /^[\w,\s]{0,4000}$/;

export const knownSettings: Readonly<Record<ServiceKind, readonly KnownSetting[]>> = {
  nginx: [
    { key: 'server_tokens', value: /^(?:on|off|build)$/, takes: 'reload' },
    { key: 'autoindex', value: onOff, takes: 'reload' },
    { key: 'ssl_protocols', value: /^(?:(?:TLSv1(?:\.[123])?)(?:\s(?!$)|$)){1,4}$/, takes: 'reload', keepsOut: true },
    { key: 'client_max_body_size', value: /^\d{1,9}[kKmMgG]?$/, takes: 'reload' },
    // `location /x`, at `location`: the block is made a comment.
    { key: 'location', value: /^off$/, takes: 'reload' },
  ],
  redis: [
    { key: 'requirepass', value: /^[\x21\x23-\x26\x28-\x5b\x5d-\x7e]{16,512}$/, takes: 'live', secret: true, keepsOut: true },
    { key: 'bind', value: /^(?:-?[\w.:*]{1,60}(?: (?!$)|$)){1,16}$/, takes: 'live', keepsOut: true },
    { key: 'protected-mode', value: yesNo, takes: 'live', keepsOut: true },
    { key: 'enable-debug-command', value: /^(?:yes|no|local)$/, takes: 'restart' },
    { key: 'enable-module-command', value: /^(?:yes|no|local)$/, takes: 'restart' },
    { key: 'enable-protected-configs', value: /^(?:yes|no|local)$/, takes: 'restart' },
  ],
  mysql: [
    { key: 'local_infile', value: binary, takes: 'live' },
    { key: 'secure_file_priv', value: /^(?:NULL|(?:\/[\w.+@-]+)+\/?)$/, takes: 'restart' },
    { key: 'bind_address', value: /^[\w.:*]{1,60}$/, takes: 'restart', keepsOut: true },
    { key: 'skip_networking', value: binary, takes: 'restart', keepsOut: true },
    { key: 'skip_name_resolve', value: binary, takes: 'restart', keepsOut: true },
  ],
  php: [
    { key: 'disable_functions', value: names, takes: 'reload' },
    { key: 'disable_classes', value: names, takes: 'reload' },
    { key: 'allow_url_include', value: onOff, takes: 'reload' },
    { key: 'allow_url_fopen', value: onOff, takes: 'reload' },
    { key: 'auto_prepend_file', value: path, takes: 'reload' },
    { key: 'auto_append_file', value: path, takes: 'reload' },
    { key: 'expose_php', value: onOff, takes: 'reload' },
    { key: 'display_errors', value: onOff, takes: 'reload' },
    { key: 'enable_dl', value: onOff, takes: 'reload' },
    { key: 'open_basedir', value: /^(?:(?:\/[\w.+@-]+)+\/?(?::(?=\/)|$)){0,30}$/, takes: 'reload' },
    { key: 'user_ini.filename', value: /^[\w.]{0,60}$/, takes: 'reload' },
  ],
};
