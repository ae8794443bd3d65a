/** ECharts in one thin piece: drawn on a canvas, words too (a tooltip of markup would be barred by the content policy, and what hosts send stays inert). Loaded when the first chart is shown. */
import type { EChartsCoreOption, EChartsType } from 'echarts/core';
import { useEffect, useRef, useState } from 'react';
import { usePalette } from '../theme/mode.ts';

interface ChartProps { option: EChartsCoreOption; height: number; /** What it shows, for whoever does not see it. */ label: string; onPick?: (dataIndex: number, seriesName: string) => void }

export default function Chart({ option, height, label, onPick }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const [chart, setChart] = useState<EChartsType>();
  const palette = usePalette();
  useEffect(() => {
    let made: EChartsType | undefined;
    let isOver = false;
    let observer: ResizeObserver | undefined;
    const begin = async (): Promise<void> => {
      const { echarts } = await import('./echarts.ts');
      if (isOver || !box.current) return;
      made = echarts.init(box.current, undefined, { renderer: 'canvas' });
      observer = new ResizeObserver(() => made?.resize());
      observer.observe(box.current);
      setChart(made);
    };
    void begin();
    return () => {
      isOver = true;
      observer?.disconnect();
      made?.dispose();
    };
  }, []);
  useEffect(() => {
    chart?.setOption({
      animationDuration: 250, textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: palette.quiet }, color: [palette.accent, palette.low, palette.medium, palette.high, palette.critical],
      ...option,
      tooltip: { renderMode: 'richText', confine: true, backgroundColor: palette.raised, borderColor: palette.line, textStyle: { color: palette.ink, fontSize: 12 }, ...(option['tooltip'] as object | undefined) },
    }, { notMerge: true });
  }, [chart, option, palette]);
  useEffect(() => {
    if (!chart || !onPick) return undefined;
    const pick = (event: unknown): void => { const { dataIndex, seriesName } = event as { dataIndex: number; seriesName: string }; onPick(dataIndex, seriesName); };
    chart.on('click', pick);
    return () => { chart.off('click', pick); };
  }, [chart, onPick]);
  return <div ref={box} role="img" aria-label={label} style={{ height, width: '100%' }} />;
}
