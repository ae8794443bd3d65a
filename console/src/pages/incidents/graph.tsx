/** The story drawn, from the way in at the left to its effects at the right; a slider lets it grow as it did. Loaded when it is first shown. */
import { Background, Controls, type Edge, Handle, MarkerType, type Node, type NodeProps, Position, ReactFlow } from '@xyflow/react';
import '@xyflow/react/dist/base.css';
import { Button, Slider } from 'antd';
import { useEffect, useMemo, useRef, useState } from 'react';
import type { ToldStory } from '../../../../src/api/contract/incidents.ts';
import type { Level } from '../../api/types.ts';
import { Icon, type IconName } from '../../parts/icon.tsx';
import { Inert } from '../../parts/inert.tsx';
import { inertString } from '../../parts/inert-text.ts';
import { Time } from '../../parts/time.tsx';
import { useTheme } from '../../theme/mode.ts';
import { useTexts } from '../../text/lang.ts';
import { type Box, boxHeight, boxWidth, moments, shapeOf } from './shape.ts';
import { words } from './words.ts';

const icons: Record<Box['kind'], IconName> = { process: 'play', file: 'rules', persistence: 'refresh', address: 'globe', name: 'globe', account: 'person', unit: 'system', module: 'matrix', container: 'hosts', package: 'download', secret: 'lock', alert: 'alerts', finding: 'posture' };
type BoxNode = Node<{ box: Box; isPicked: boolean }, 'box'>;
const kinds = { box: BoxShown };
const growMs = 700;

export default function Drawing({ told: { story, steps }, picked, onPick }: { told: ToldStory; picked: readonly string[]; onPick: (ids: readonly string[]) => void }) {
  const t = useTexts(words);
  const theme = useTheme();
  const shape = useMemo(() => {
    const levels = new Map<string, Level>();
    for (const { deed, from, to, level } of steps) if (deed === 'alert' && level !== undefined) for (const id of [from, ...to]) if (id?.startsWith('alert:') === true) levels.set(id.slice('alert:'.length), level);
    return shapeOf(story, (id) => levels.get(id));
  }, [story, steps]);
  const times = useMemo(() => moments(shape), [shape]);
  const [upTo, setUpTo] = useState<number>();
  const [isPlaying, setPlaying] = useState(false);
  const at = upTo === undefined ? times.length - 1 : Math.min(upTo, times.length - 1);
  useEffect(() => {
    if (!isPlaying) return undefined;
    const timer = setTimeout(() => {
      if (at >= times.length - 1) { setPlaying(false); setUpTo(undefined); } else setUpTo(at + 1);
    }, growMs);
    return () => { clearTimeout(timer); };
  }, [isPlaying, at, times.length]);
  const until = upTo === undefined ? Infinity : times[at]!;
  const nodes = useMemo(() => shape.boxes.map((box): BoxNode => ({
    id: box.id, type: 'box', position: { x: box.x, y: box.y }, width: boxWidth, height: boxHeight, hidden: box.first > until, draggable: false, connectable: false, ariaLabel: `${t(`kind_${box.kind}`)}: ${inertString(box.label).slice(0, 200)}`,
    data: { box, isPicked: box.members.some(({ id }) => picked.includes(id)) },
  })), [shape, until, picked, t]);
  const edges = useMemo(() => {
    const shown = new Map(shape.boxes.map((box) => [box.id, box.first <= until]));
    return shape.arrows.map(({ id, from, to, deed, count, first }): Edge => ({ id, source: from, target: to, hidden: first > until || shown.get(from) !== true || shown.get(to) !== true, focusable: false, selectable: false, type: 'smoothstep', label: `${t(`deed_${deed}`)}${count > 1 ? ` × ${count}` : ''}`, markerEnd: { type: MarkerType.ArrowClosed, color: 'var(--m-faint)' } }));
  }, [shape, until, t]);
  const box = useRef<HTMLDivElement>(null);
  const height = Math.min(620, Math.max(260, shape.height + 60));
  return (
    <div ref={box} className="mi-drawing">
      <div className="mi-flow" style={{ height }} role="group" aria-label={t('graphLabel')}>
        <ReactFlow nodes={nodes} edges={edges} nodeTypes={kinds} colorMode={theme} fitView fitViewOptions={{ padding: 0.06, maxZoom: 1, minZoom: 0.35 }} minZoom={0.08} maxZoom={1.6} nodesConnectable={false} nodesDraggable={false} elementsSelectable zoomOnScroll={false} preventScrolling={false} onlyRenderVisibleElements={shape.boxes.length > 60}
          onNodeClick={(_, node) => { onPick(node.data.box.members.map(({ id }) => id)); }} onNodesChange={(changes) => { const one = changes.find((change) => change.type === 'select' && change.selected); if (one?.type === 'select') { const box = shape.boxes.find(({ id }) => id === one.id); if (box) onPick(box.members.map(({ id }) => id)); } }}>
          <Background gap={22} />
          <Controls showInteractive={false} />
        </ReactFlow>
      </div>
      <div className="m-row mi-grow">
        {times.length > 1 && <>
          <Button size="small" icon={<Icon name={isPlaying ? 'close' : 'play'} size={14} />} onClick={() => { if (!isPlaying && at >= times.length - 1) setUpTo(0); setPlaying(!isPlaying); }}>{isPlaying ? t('pause') : t('play')}</Button>
          <Slider className="m-grow" min={0} max={times.length - 1} value={at} tooltip={{ open: false }} ariaLabelForHandle={t('upTo')} onChange={(value: number) => { setPlaying(false); setUpTo(value === times.length - 1 ? undefined : value); }} />
          <span className="m-quiet mi-upto">{upTo === undefined ? t('whole') : <>{t('upTo')} <Time at={until} style="clock" /></>}</span>
        </>}
        <Button size="small" onClick={() => { if (document.fullscreenElement) void document.exitFullscreen(); else void box.current?.requestFullscreen(); }}>{t('full')}</Button>
        {shape.left > 0 && <span className="m-faint">{t('leftOut', { count: shape.left })}</span>}
      </div>
    </div>
  );
}

function BoxShown({ data: { box, isPicked } }: NodeProps<BoxNode>) {
  const t = useTexts(words);
  const many = box.members.length > 1;
  return (
    <div className={`mi-box mi-box-${box.kind}${box.isEntry ? ' mi-box-entry' : ''}${isPicked ? ' mi-box-picked' : ''}${box.level === undefined ? '' : ` mi-box-${box.level}`}`}>
      <Handle type="target" position={Position.Left} isConnectable={false} />
      <span className="mi-box-icon"><Icon name={icons[box.kind]} size={17} /></span>
      <span className="mi-box-text">
        <span className="mi-box-kind">{box.isEntry ? t('wayIn') : t(`kind_${box.kind}`)}{box.lives && <span className="mi-box-lives" title={t('runs')} />}</span>
        <span className="mi-box-label">{many && box.kind !== 'alert' && box.kind !== 'finding' ? t(`many_${box.kind}`, { count: box.members.length }) : <Inert most={120}>{box.label}</Inert>}</span>
      </span>
      {box.alerts > 0 && <span className={`mi-box-alerts mi-level-${box.level ?? 'info'}`} title={t('alerts')}>{box.alerts}</span>}
      <Handle type="source" position={Position.Right} isConnectable={false} />
    </div>
  );
}
