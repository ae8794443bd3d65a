/** Incidents: the list, and one of them under its own address. */
import { useParams } from 'react-router';
import { Incident } from './incident.tsx';
import { List } from './list.tsx';
import './incidents.css';

export function Page() {
  const id = (useParams()['*'] ?? '').split('/')[0];
  return id === undefined || id === '' ? <List /> : <Incident key={id} id={id} />;
}
