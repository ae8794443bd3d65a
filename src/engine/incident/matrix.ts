/**
 * What the techniques of ATT&CK that stories name are called in plain words, and in which cell of the cloud server attack and defence
 * matrix (云服务器攻防矩阵: nine columns from first access to impact) each lies. The public matrices of the cloud houses name what is done
 * through a cloud account in detail and sum up what happens inside a server; cells of the latter kind have our own names. Which technique
 * lies in which cell is our own reading by the tactics of ATT&CK, not taken from a published table: docs/guide/incidents.md says so.
 */
import type { Text } from '../../core/text.ts';

export interface MatrixCell { id: string; column: Text; name: Text }

const columns = {
  access: { zh: '初始访问', en: 'first access' }, execution: { zh: '执行', en: 'execution' }, persistence: { zh: '持久化', en: 'persistence' },
  privilege: { zh: '权限提升', en: 'privilege escalation' }, evasion: { zh: '防御绕过', en: 'defence evasion' }, credentials: { zh: '窃取凭证', en: 'credential theft' },
  discovery: { zh: '探测', en: 'discovery' }, lateral: { zh: '横向移动', en: 'lateral movement' }, impact: { zh: '影响', en: 'impact' },
} as const satisfies Record<string, Text>;

/** A technique of ATT&CK stands in one cell; `T1059` holds for its parts that have no row of their own. */
const rows: readonly [id: string, column: keyof typeof columns, zh: string, en: string, techniques: string][] = [
  ['cloud-key', 'access', '云 API 密钥泄露', 'leaked cloud API key', 'T1078.004 T1528'],
  ['instance-login', 'access', '实例登录凭据泄露或被猜中', 'log-on data of the server leaked or guessed', 'T1078 T1110 T1133 T1589'],
  ['phishing', 'access', '网络钓鱼', 'phishing', 'T1566'],
  ['application-hole', 'access', '应用程序漏洞', 'a hole in an application', 'T1190 T1189'],
  ['bad-image', 'access', '恶意或有漏洞的镜像与依赖', 'bad images and dependencies', 'T1195 T1199 T1525'],
  ['probing', 'access', '外部扫描与踩点', 'scans and probing from outside', 'T1595 T1590 T1592 T1594'],
  ['console-run', 'execution', '经控制台或云助手在实例中执行', 'run through the console or the cloud assistant', 'T1651'],
  ['backdoor-run', 'execution', '运行植入的文件', 'running what was planted', 'T1204 T1620 T1129 T1106 T1105 T1569'],
  ['shell-run', 'execution', '在实例的命令行中执行', 'commands in a shell of the server', 'T1059'],
  ['hole-run', 'execution', '利用远程代码执行漏洞', 'remote code execution', 'T1203'],
  ['container-run', 'execution', '在容器中执行', 'running in a container', 'T1609 T1610'],
  ['remote-control', 'persistence', '远程控制通道', 'remote control channel', 'T1219 T1071 T1095 T1571 T1572 T1573 T1090 T1102 T1205 T1132 T1568 T1001'],
  ['self-start', 'persistence', '计划任务、服务等自启动', 'jobs, services and other self-starts', 'T1053 T1543 T1037 T1546 T1547 T1542'],
  ['extra-login', 'persistence', '追加登录密钥或密钥对', 'added log-on keys', 'T1098'],
  ['extra-account', 'persistence', '建立辅助账号', 'an extra account', 'T1136'],
  ['web-backdoor', 'persistence', '网页后门', 'a web shell', 'T1505'],
  ['swapped-program', 'persistence', '替换或劫持系统程序与认证', 'system programs or log-on replaced', 'T1554 T1556 T1574'],
  ['local-hole', 'privilege', '利用系统漏洞提权', 'a hole in the system', 'T1068'],
  ['misused-rights', 'privilege', '滥用 sudo、SUID 等权限', 'sudo, SUID and the like misused', 'T1548'],
  ['escape', 'privilege', '容器逃逸', 'escape from a container', 'T1611'],
  ['guard-off', 'evasion', '关闭安全监控', 'security monitoring switched off', 'T1562'],
  ['log-off', 'evasion', '禁用或清除日志', 'logs stopped or wiped', 'T1070'],
  ['hiding', 'evasion', '隐藏与伪装', 'hiding and disguise', 'T1014 T1027 T1036 T1055 T1140 T1222 T1480 T1497 T1564 T1622 T1211'],
  ['metadata', 'credentials', '元数据服务的角色临时凭据', 'role credentials from the metadata service', 'T1552.005'],
  ['instance-secret', 'credentials', '实例登录凭据', 'log-on data of the server', 'T1003 T1040 T1056 T1212 T1552.004 T1555'],
  ['app-secret', 'credentials', '配置文件中的应用与云凭据', 'application and cloud credentials in files', 'T1539 T1552'],
  ['assets', 'discovery', '资产与系统探测', 'looking over machine and assets', 'T1007 T1016 T1018 T1033 T1049 T1057 T1069 T1082 T1083 T1087 T1120 T1124 T1201 T1518 T1526 T1580 T1613 T1614 T1619 T1652'],
  ['network-scan', 'discovery', '网络扫描', 'network scan', 'T1046 T1135'],
  ['to-neighbours', 'lateral', '用实例账号登录邻机', 'log-on to neighbours with an account of the server', 'T1021 T1550 T1563 T1570 T1210 T1080'],
  ['stolen-data', 'impact', '窃取数据', 'data taken', 'T1005 T1020 T1030 T1039 T1041 T1048 T1074 T1119 T1213 T1530 T1537 T1560 T1567'],
  ['destroyed-data', 'impact', '破坏数据', 'data destroyed', 'T1485 T1490 T1491 T1495 T1561 T1565'],
  ['ransom', 'impact', '加密勒索', 'encrypted for ransom', 'T1486 T1657'],
  ['resources', 'impact', '盗用计算资源（挖矿）', 'machine power stolen (mining)', 'T1496'],
  ['denial', 'impact', '拒绝服务', 'denial of service', 'T1489 T1498 T1499 T1529 T1531'],
];

const byTechnique = new Map<string, MatrixCell>();
const techniquesByCell = new Map(rows.map(([id, , , , techniques]) => [id, techniques.split(' ')]));
/** Techniques that lie in a cell. */
export const cellTechniques = (id: string): readonly string[] => techniquesByCell.get(id) ?? [];

/** All cells that a story can name, by column. */
export const matrixCells: readonly MatrixCell[] = rows.map(([id, column, zh, en, techniques]) => {
  const cell = { id, column: columns[column], name: { zh, en } };
  for (const one of techniques.split(' ')) byTechnique.set(one, cell);
  return cell;
});

/** Undefined for a technique that lies in no cell. */
export const cellOf = (technique: string): MatrixCell | undefined => byTechnique.get(technique) ?? byTechnique.get(technique.split('.', 1)[0] ?? '');

const cellText = ({ column, name }: MatrixCell): Text => ({ zh: `${column.zh}·${name.zh}`, en: `${column.en}: ${name.en}` });

/** Cells of these techniques, each once, in the order given, as `column·name` in Chinese: the stable name of a cell. */
export function cellsOf(techniques: readonly string[]): string[] {
  return [...new Set(techniques.flatMap((one) => { const cell = cellOf(one); return cell === undefined ? [] : [cellText(cell).zh]; }))];
}

const byName = new Map(matrixCells.map((cell) => [cellText(cell).zh, cellText(cell)]));
/** What a cell is called in both languages; a name that only an alert's rule knows stays as it is. */
export const cellByName = (name: string): Text => byName.get(name) ?? { zh: name, en: name };
