import type { ReactNode } from 'react';

export const State = ({ isOn, children }: { isOn: boolean; children: ReactNode }) => <span className={`mp-state${isOn ? ' mp-state-on' : ''}`}>{children}</span>;
