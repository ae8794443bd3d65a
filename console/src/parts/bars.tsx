/** Bars over time, stacked by level: small enough for the first page, which a chart library would make half as heavy again. The arrow keys read bar by bar. */
import { type KeyboardEvent, type PointerEvent, useRef, useState } from 'react';
import { type Level, levels } from '../api/types.ts';
import { common } from '../text/common.ts';
import { useTexts } from '../text/lang.ts';
import { LevelTag } from './level.tsx';
import { axisTop, ticksOf } from './bars-scale.ts';
import './bars.css';

export interface Bar { time: number; by_level: Partial<Record<Level, number>> }
interface BarsProps { bars: readonly Bar[]; height: number; label: string; /** Under the axis. */ tick: (time: number) => string; /** Of one bar. */ title: (time: number) => string }

/** The drawing is as wide as there are bars; the browser stretches it. */
const unit = 10, gap = 2.6;

export function Bars({ bars, height, label, tick, title }: BarsProps) {
  const t = useTexts(common);
  const box = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState<number>();
  const sums = bars.map(({ by_level }) => levels.reduce((sum, level) => sum + (by_level[level] ?? 0), 0));
  const top = axisTop(Math.max(1, ...sums));
  const point = ({ clientX }: PointerEvent): void => {
    const { left, width } = box.current!.getBoundingClientRect();
    setAt(Math.min(bars.length - 1, Math.max(0, Math.floor(((clientX - left) / width) * bars.length))));
  };
  const step = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') setAt(undefined);
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    event.preventDefault();
    setAt(at === undefined ? bars.length - 1 : Math.min(bars.length - 1, Math.max(0, at + (event.key === 'ArrowLeft' ? -1 : 1))));
  };
  const shown = at === undefined ? undefined : bars[at];
  return (
    <div className="m-bars">
      <div className="m-bars-axis" style={{ height }} aria-hidden="true">{[top, top / 2, 0].map((value) => <span key={value}>{value}</span>)}</div>
      <div className="m-bars-plot">
        <div ref={box} className="m-bars-box" style={{ height }} role="img" aria-label={label} tabIndex={0} onPointerMove={point} onPointerLeave={() => { setAt(undefined); }} onBlur={() => { setAt(undefined); }} onKeyDown={step}>
          <svg viewBox={`0 0 ${bars.length * unit} ${top}`} preserveAspectRatio="none" width="100%" height={height} aria-hidden="true">
            {at !== undefined && <rect x={at * unit} y="0" width={unit} height={top} className="m-bars-at" />}
            {bars.map(({ time, by_level }, x) => {
              let y = top;
              return (
                <g key={time}>
                  {levels.map((level) => {
                    const n = by_level[level] ?? 0;
                    y -= n;
                    return n > 0 && <rect key={level} x={x * unit + gap / 2} y={y} width={unit - gap} height={n} className={`m-bars-${level}`} />;
                  })}
                </g>
              );
            })}
          </svg>
        </div>
        <div className="m-bars-ticks" aria-hidden="true">{ticksOf(bars.length).map((index) => <span key={index} style={{ left: `${(100 * (index + 0.5)) / bars.length}%` }}>{tick(bars[index]!.time)}</span>)}</div>
        {shown && (
          <div className="m-bars-tip" role="status" style={at! > bars.length / 2 ? { right: `${100 - (100 * at!) / bars.length}%` } : { left: `${(100 * (at! + 1)) / bars.length}%` }}>
            <b>{title(shown.time)}</b>
            {levels.toReversed().map((level) => (shown.by_level[level] ?? 0) > 0 && <span key={level}><LevelTag level={level} />{shown.by_level[level]}</span>)}
            {sums[at!] === 0 && <span>{t('none')}</span>}
          </div>
        )}
      </div>
    </div>
  );
}
