/** Why it fired: each selection of the rule, what it wanted of which field, and that part of the value lit up. */
import { Collapse } from 'antd';
import type { AlertWhole, ConditionExplained, Explained, SearchExplained } from '../../../../src/api/contract/alerts.ts';
import { Icon } from '../../parts/icon.tsx';
import { plain } from '../../parts/inert-text.ts';
import { Inert } from '../../parts/inert.tsx';
import { useSay, useTexts } from '../../text/lang.ts';
import { marksOf } from './marks.ts';
import { words } from './words.ts';

const rulesMost = 3;

export function Why({ why }: { why: AlertWhole['why'] }) {
  const t = useTexts(words);
  const say = useSay();
  // Events that fit alike are told once.
  const rules = [...new Map(why.explained.map((one) => [JSON.stringify({ ...one, event: '' }), one])).values()].slice(0, rulesMost);
  const more = why.explained.length - rules.length;
  return (
    <div className="a-why">
      <p>{t(`why_${why.kind}`)}{why.about && <> <Inert>{say(why.about)}</Inert></>}</p>
      {why.description && <p className="m-quiet"><Inert most={4000}>{say(why.description)}</Inert></p>}
      {why.falsepositives && <p className="m-quiet"><b>{t('mayBe')}</b> <Inert most={4000}>{why.falsepositives.map(say).join(t('mayBeBetween'))}</Inert></p>}
      {why.counts && <p><Inert code>{why.counts.kind}</Inert> {Object.entries(why.counts.bounds).map(([name, value]) => `${name} ${value}`).join(', ')}, <Inert>{t('counted', { seconds: why.counts.seconds, by: why.counts.by.join(', ') || '–' })}</Inert></p>}
      {rules.map((one) => <Rule key={`${one.rule} ${one.event}`} explained={one} />)}
      {more > 0 && <p className="m-faint">{t('alike', { count: more })}</p>}
      {why.note && <p className="m-faint"><Inert>{say(why.note)}</Inert></p>}
      {why.yaml !== undefined && <Collapse ghost size="small" items={[{ key: 'yaml', label: t('ruleText'), children: <Inert block>{why.yaml}</Inert> }]} />}
    </div>
  );
}

function Rule({ explained: { detection, filters } }: { explained: Explained }) {
  const t = useTexts(words);
  const selections = [detection, ...filters.map((one) => one.detection)].flatMap((one) => one.selections);
  // What did not fit and the condition asks for: an exclusion that does not hold, an alternative.
  const others = selections.filter(({ held, name }) => !held && named(detection.condition, name)).map(({ name }) => name);
  return (
    <div className="a-rule">
      <p className="a-condition"><span className="m-faint">{t('condition')}</span> <Inert code>{detection.conditionText}</Inert></p>
      {selections.filter(({ held }) => held).map((selection) => (
        <div key={selection.name} className="a-selection">
          <p><Icon name="check" size={16} /><b><Inert>{selection.name}</Inert></b><span className="m-faint">{t('held')}</span></p>
          <Search search={selection.search} />
        </div>
      ))}
      {others.length > 0 && <p className="m-faint a-others"><Icon name="close" size={16} />{t('notHeld')}: <Inert code>{others.join(', ')}</Inert></p>}
    </div>
  );
}

/** Whether the condition asks for it. */
function named(condition: ConditionExplained, name: string): boolean {
  switch (condition.kind) {
    case 'name': return condition.name === name;
    case 'not': return named(condition.child, name);
    case 'and':
    case 'or': return condition.children.some((child) => named(child, name));
  }
}

const shownMost = 8;

function Search({ search }: { search: SearchExplained }) {
  const t = useTexts(words);
  if (search.kind !== 'item') {
    // Of alternatives only those that fit say why.
    const some = search.kind === 'or' && search.held ? search.children.filter(({ held }) => held) : search.children;
    return <>{some.slice(0, shownMost).map((child, at) => <Search key={at} search={child} />)}</>;
  }
  const fitting = search.values.filter(({ held }) => held);
  const shown = fitting.length > 0 ? fitting : search.values.slice(0, 3);
  const actual = search.actual === undefined || search.actual === null ? undefined : plain(search.actual);
  const wanted = shown.map(({ expected }) => expected);
  return (
    <div className="a-item">
      <Inert code>{[search.field ?? '*', ...search.modifiers].join('|')}</Inert>
      <span>{actual === undefined ? <em className="m-faint">{t('missing')}</em> : <Inert code most={1500} marks={search.held ? marksOf(actual, wanted) : []}>{actual}</Inert>}</span>
      <span className="m-faint a-wanted">{t('wanted')}: {wanted.map((one, at) => <span key={at}>{at > 0 && ' · '}<Inert code most={200}>{one}</Inert></span>)}{search.values.length > shown.length && <> ({t('notShown', { count: search.values.length - shown.length })})</>}</span>
    </div>
  );
}
