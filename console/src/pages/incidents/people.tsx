/** Notes, tasks, tags and who looks after it: beside the timeline, so that nobody leaves it to write something down. */
import { Button, Checkbox, Input, Tag } from 'antd';
import { useState } from 'react';
import type { Incident } from '../../../../src/api/contract/incidents.ts';
import { useMay, useMe } from '../../api/session.tsx';
import { Inert } from '../../parts/inert.tsx';
import { Card } from '../../parts/page.tsx';
import { Time } from '../../parts/time.tsx';
import { useTexts } from '../../text/lang.ts';
import type { Change } from './incident.tsx';
import { words } from './words.ts';

export function PeopleCard({ incident, change, isBusy }: { incident: Incident; change: Change; isBusy: boolean }) {
  const t = useTexts(words);
  const me = useMe();
  const may = useMay('triage');
  const { notes, tasks, tags, assignee } = incident;
  return (
    <aside className="mi-side" aria-label={t('people')}>
      <Card title={t('assignee')} extra={may && assignee !== me.name && <Button size="small" disabled={isBusy} onClick={() => { void change({ op: 'assign', to: me.name }); }}>{t('assignMe')}</Button>}>
        {assignee === undefined ? <span className="m-faint">{t('nobody')}</span> : <Inert>{assignee}</Inert>}
        <div className="m-row mi-tags" role="group" aria-label={t('tags')}>
          {tags.map((tag) => <Tag key={tag} closable={may} onClose={(event) => { event.preventDefault(); void change({ op: 'untag', tag }); }}><Inert>{tag}</Inert></Tag>)}
          {may && <Line place={t('addTag')} most={100} isBusy={isBusy} add={(tag) => change({ op: 'tag', tag })} />}
        </div>
      </Card>
      <Card title={t('tasks')}>
        {tasks.length === 0 && <p className="m-faint">{t('noTasks')}</p>}
        <ul className="mi-tasks">{tasks.map((task) => (
          <li key={task.id}>
            <Checkbox checked={task.done !== undefined} disabled={!may || isBusy} onChange={({ target }) => { void change({ op: 'task-done', task: task.id, open: !target.checked }); }}><span className={task.done ? 'm-faint mi-done' : ''}><Inert>{task.title}</Inert></span></Checkbox>
            {task.done && <span className="m-faint mi-by">{t('taskDone', { by: task.done.by })} · <Time at={task.done.time} /></span>}
          </li>
        ))}</ul>
        {may && <Line place={t('addTask')} most={500} isBusy={isBusy} add={(title) => change({ op: 'task', title })} />}
      </Card>
      <Card title={t('notes')}>
        {may && <Note isBusy={isBusy} add={(text) => change({ op: 'note', text })} />}
        {notes.length === 0 && <p className="m-faint">{t('noNotes')}</p>}
        <ul className="mi-notes">{notes.toReversed().map((note, at) => <li key={at}><div className="m-faint"><Inert>{note.by}</Inert> · <Time at={note.time} /></div><Inert block>{note.text}</Inert></li>)}</ul>
      </Card>
    </aside>
  );
}

function Line({ place, most, isBusy, add }: { place: string; most: number; isBusy: boolean; add: (text: string) => Promise<boolean> }) {
  const [text, setText] = useState('');
  const send = async (): Promise<void> => {
    if (text.trim() === '') return;
    if (await add(text.trim())) setText('');
  };
  return <Input size="small" className="mi-line" aria-label={place} placeholder={place} maxLength={most} value={text} disabled={isBusy} onChange={({ target }) => { setText(target.value); }} onPressEnter={() => { void send(); }} />;
}

function Note({ isBusy, add }: { isBusy: boolean; add: (text: string) => Promise<boolean> }) {
  const t = useTexts(words);
  const [text, setText] = useState('');
  const send = async (): Promise<void> => {
    if (await add(text.trim())) setText('');
  };
  return (
    <div className="mi-note">
      <Input.TextArea rows={2} maxLength={4000} aria-label={t('addNote')} placeholder={t('notePlace')} value={text} onChange={({ target }) => { setText(target.value); }} onKeyDown={(event) => { if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && text.trim() !== '') void send(); }} />
      <Button size="small" disabled={text.trim() === ''} loading={isBusy} onClick={() => { void send(); }}>{t('addNote')}</Button>
    </div>
  );
}
