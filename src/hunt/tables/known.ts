/** What the running Moat keeps in its memory: `packages`, `files_changed`, `sensors`. */
import { type LiveTable, number, type Row, text } from '../table.ts';

export const packages: LiveTable = {
  name: 'packages',
  title: { zh: '已安装的软件包', en: 'packages that are installed' },
  blind: { zh: 'pip、npm 等装的', en: 'what pip, npm and the like installed' },
  columns: { name: text('软件包', 'package'), version: text('版本', 'version'), arch: text('架构', 'architecture'), manager: text('dpkg、rpm、apk', 'dpkg, rpm, apk') },
  read: async (look) => await look.agent('packages') as Row[],
};

export const filesChanged: LiveTable = {
  name: 'files_changed',
  title: { zh: '与基线相比改动过的文件', en: 'files that differ from the baseline' },
  blind: { zh: '基线之外的文件；已接受或已改回的改动', en: 'files beyond the baseline; changes that were accepted or put right' },
  columns: { path: text('文件', 'file'), level: text('级别', 'level'), sign: number('本身就是入侵迹象则为 1', '1 when it is a sign of an intrusion by itself'), since: number('首次发现，Unix 毫秒', 'when it was first seen, Unix ms') },
  read: async (look) => await look.agent('changes') as Row[],
};

export const sensors: LiveTable = {
  name: 'sensors',
  title: { zh: 'Moat 各部分的状态：看得见还是看不见', en: 'parts of Moat: whether they see' },
  blind: { zh: '各传感器天生看不到的（见系统页）', en: 'what each sensor cannot see by its nature (the page System tells)' },
  columns: { part: text('部分', 'part'), state: text('live、waiting、blind', 'live, waiting, blind'), since: number('从何时起，Unix 毫秒', 'since when, Unix ms'), detail_zh: text('说明（中文）', 'in words, in Chinese'), detail_en: text('说明（英文）', 'in words, in English') },
  read: async (look) => await look.agent('sensors') as Row[],
};
