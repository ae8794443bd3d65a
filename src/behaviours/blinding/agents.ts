/** Guards beside Moat: agents of clouds and security products, by the names of their programs and the folders they live in. */

interface Agent { title: string; programs: string; folders: readonly string[] }

const agents: readonly Agent[] = [
  { title: '阿里云安骑士 / Aliyun aegis', programs: 'AliYunDun AliYunDunMonitor AliSecGuard AliHids AliNet AliSecCheck AliWebGuard', folders: ['/usr/local/aegis/'] },
  { title: '阿里云云监控 / Aliyun CloudMonitor', programs: 'argusagent CmsGoAgent.linux-amd64 CmsGoAgent', folders: ['/usr/local/cloudmonitor/'] },
  { title: '阿里云助手 / Aliyun assist', programs: 'aliyun-service assist_daemon', folders: ['/usr/local/share/aliyun-assist/', '/usr/local/share/assist-daemon/'] },
  { title: '腾讯云主机安全 / Tencent YunJing', programs: 'YDService YDLive YDEyes YDEdr YDFlame', folders: ['/usr/local/qcloud/YunJing/'] },
  { title: '腾讯云监控 / Tencent monitor', programs: 'barad_agent sgagent tat_agent', folders: ['/usr/local/qcloud/'] },
  { title: '华为云主机安全 / Huawei HSS', programs: 'hostguard hostwatch uniagentd telescope', folders: ['/usr/local/hostguard/', '/usr/local/uniagentd/'] },
  { title: 'Falco', programs: 'falco', folders: [] },
  { title: 'Wazuh / OSSEC', programs: 'wazuh-agentd wazuh-syscheckd wazuh-execd ossec-agentd ossec-syscheckd', folders: ['/var/ossec/'] },
  { title: 'osquery', programs: 'osqueryd', folders: [] },
  { title: 'Elastic', programs: 'auditbeat elastic-endpoint elastic-agent', folders: ['/opt/Elastic/'] },
  { title: 'CrowdSec', programs: 'crowdsec', folders: [] },
  { title: 'fail2ban', programs: 'fail2ban-server', folders: [] },
  { title: 'ClamAV', programs: 'clamd', folders: [] },
  { title: 'Suricata', programs: 'suricata', folders: [] },
  { title: 'Titan', programs: 'titanagent titan_monitor', folders: ['/titan/agent/'] },
];

const byProgram = new Map<string, string>(agents.flatMap(({ title, programs }) => programs.split(' ').map((name): [string, string] => [name, title])));
const byFolder = agents.flatMap(({ title, folders }) => folders.map((folder): [string, string] => [folder, title]));

/** The product that a program of this name belongs to. */
export const agentOf = (program: string): string | undefined => byProgram.get(program);
/** The folder of a product that a path lies in, and the product. */
export const agentFolderOf = (path: string): readonly [string, string] | undefined => path.startsWith('/usr/local/') || path.startsWith('/opt/') || path.startsWith('/var/ossec/') || path.startsWith('/titan/') ? byFolder.find(([folder]) => path.startsWith(folder)) : undefined;
