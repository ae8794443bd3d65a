/** Stops a container and keeps its engine from starting it again; or, for evidence, only pauses it: its memory and files stay as they are. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Action, ActionErrorCode, PlanStep } from '../../core/action.ts';
import { MoatError } from '../../core/error.ts';
import type { Container, Engine, RestartPolicy } from '../../linux/container-engine.ts';
import type { Procfs } from '../../linux/procfs.ts';
import { badInput, fieldsOf } from '../input.ts';
import { askerOf } from '../operator.ts';

/** `self`: Moat's own pid. */
export interface ContainerWorld { engines: () => readonly Engine[]; procfs: Procfs; self: number }

export interface ContainerInput { container: string; pause: boolean; asker?: number }

export interface ContainerState { engine: string; id: string; name: string; image: string; pause: boolean; was: { running: boolean; paused: boolean; restart: RestartPolicy }; /** It is gone once it stopped. */ passing: boolean }

const stopSeconds = 10;
const settleMs = 20_000;
const lookMs = 50;
const never: RestartPolicy = { Name: 'no', MaximumRetryCount: 0 };

export function stopContainer({ engines, procfs, self }: ContainerWorld): Action<ContainerInput, ContainerState> {
  return {
    id: 'stop-container',
    title: { zh: '停止容器', en: 'Stop a container' },
    blind: {
      zh: '由编排系统（Kubernetes、Swarm、Compose 之外的看护程序）管理的容器可能以新编号再次出现；容器写到卷与镜像之外的内容不受影响。撤销会重新启动它，内存中的状态不会回来（只暂停时会）。',
      en: 'What an orchestrator looks after (Kubernetes, Swarm, other keepers) may come again under a new id; what it wrote to volumes stays. Taken back, it is started anew: what it had in memory is gone (not when it was only paused).',
    },
    automatic: 'strict',
    halfDone: 'finish',

    parse(input) {
      const { container, pause = false, asker } = fieldsOf(input);
      if (typeof container !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$/.test(container)) throw badInput('the id or name of a container', container);
      if (typeof pause !== 'boolean') throw badInput('true or false for pause', pause);
      return { container, pause, ...askerOf(asker) };
    },

    async plan({ container: asked, pause, asker }, { force }) {
      const { engine, container } = await find(asked);
      const { id, name, image, running, paused, passing, restart, labels } = container;
      const refuse = (zh: string, en: string, forced: boolean): MoatError<ActionErrorCode> => new MoatError<ActionErrorCode>('refused', `${name}: ${en}`, { text: { zh: `${name}：${zh}`, en: `${name}: ${en}` }, ...(forced && { hint: '--force' }) });
      for (const pid of [self, ...(asker === undefined ? [] : [asker])]) {
        if (procfs.container(pid) === id) throw pid === self ? refuse('Moat 在其中运行', 'Moat runs in it', false) : refuse('您正在其中操作', 'you type in it', false);
      }
      if (!pause && !force) {
        const pod = labels['io.kubernetes.pod.name'];
        if (pod !== undefined) throw refuse(`它属于 Kubernetes 的 ${pod}，kubelet 会马上再起一个：请在集群中处置（确要停止请加 --force）`, `it belongs to the pod ${pod}, and the kubelet starts another at once: act in the cluster (use --force to stop it all the same)`, true);
        if (passing) throw refuse('它一停止就会被引擎删除，文件随之消失：可用 --pause 只暂停（确要停止请加 --force）', 'its engine removes it as soon as it stops, and its files are gone: --pause only holds it (use --force to stop it all the same)', true);
      }
      const isDone = pause ? paused : !running && isNever(restart);
      if (pause && !running) throw new MoatError<ActionErrorCode>('not-there', `${name} does not run`, { text: { zh: `${name} 没有在运行`, en: `${name} does not run` } });
      if (isDone) throw new MoatError<ActionErrorCode>('not-there', `${name} is ${pause ? 'paused' : 'stopped'} already`, { text: { zh: `${name} 早已${pause ? '暂停' : '停止'}`, en: `${name} is ${pause ? 'paused' : 'stopped'} already` } });
      const short = `${name} (${id.slice(0, 12)})`;
      return {
        target: `container ${id}`, title: pause ? { zh: `暂停容器 ${short}`, en: `Pause the container ${short}` } : { zh: `停止容器 ${short}`, en: `Stop the container ${short}` },
        steps: stepsOf(engine.name, container, pause), risk: passing && !pause ? 'high' : 'medium', reversible: pause || !passing,
        state: { engine: engine.name, id, name, image, pause, was: { running, paused, restart }, passing },
      };
    },

    async apply(state, { signal }) {
      const engine = engineOf(state.engine);
      const now = await engine.inspect(state.id);
      if (now === undefined) { if (state.passing && !state.pause) return; throw gone(state); }
      if (state.pause) {
        if (!now.paused) await engine.pause(state.id);
        return;
      }
      // First that nothing starts it again, then that it ends.
      if (!isNever(now.restart) && !state.passing) await engine.setRestart(state.id, never);
      if (!now.running) return;
      // What is held gets no moment to run again.
      if (now.paused) await engine.kill(state.id);
      else await engine.stop(state.id, stopSeconds);
      for (const end = performance.now() + settleMs; (await engine.inspect(state.id))?.running === true;) {
        if (performance.now() > end) throw new MoatError<ActionErrorCode>('failed', `expected ${state.name} to stop within ${settleMs} ms, it did not`);
        await wait(lookMs, undefined, { signal });
      }
    },

    async verify(state) {
      const now = await engineOf(state.engine).inspect(state.id);
      const { name, pause, passing, was } = state;
      if (now === undefined) {
        if (passing && !pause) return { is: 'finished', evidence: { zh: `${name} 已停止，并被引擎删除`, en: `${name} has stopped, and its engine removed it` } };
        return { is: 'between', evidence: { zh: `${name} 已不存在`, en: `${name} is no more` } };
      }
      if (pause ? now.paused : !now.running && (isNever(now.restart) || passing)) return { is: 'finished', evidence: pause ? { zh: `${name} 已暂停`, en: `${name} is paused` } : { zh: `${name} 已停止，引擎不会再启动它`, en: `${name} has stopped, and its engine does not start it again` } };
      if (now.running === was.running && now.paused === was.paused && isSame(now.restart, was.restart)) return { is: 'former', evidence: { zh: `${name} 与原先一样`, en: `${name} is as it was` } };
      return { is: 'between', evidence: { zh: `${name} 停了一半，或已被他人改动`, en: `${name} is stopped by half, or was changed by others` } };
    },

    async undo(state) {
      const engine = engineOf(state.engine);
      const { id, was, pause, passing } = state;
      const now = await engine.inspect(id);
      if (now === undefined) { if (passing && !pause) return; throw gone(state); }
      if (pause) { if (now.paused && !was.paused) await engine.unpause(id); return; }
      if (!isSame(now.restart, was.restart) && !passing) await engine.setRestart(id, was.restart);
      if (was.running && !now.running) await engine.start(id);
      if (was.paused && !(await engine.inspect(id))?.paused) await engine.pause(id);
    },
  };

  /** Throws 'no-engine' when no engine is here, or none of them answers; 'not-there' when none has it. */
  async function find(asked: string): Promise<{ engine: Engine; container: Container }> {
    const all = engines();
    if (all.length === 0) throw new MoatError('no-engine', 'expected Docker, Podman or containerd with nerdctl, got none of them', { text: { zh: '本机没有 Docker、Podman，也没有 containerd 的 nerdctl', en: 'expected Docker, Podman or containerd with nerdctl, got none of them' } });
    let fault: Error | undefined;
    for (const engine of all) {
      try {
        const container = await engine.inspect(asked);
        if (container !== undefined) return { engine, container };
      } catch (error) { fault ??= error as Error; /* another engine may have it; thrown below when none has */ }
    }
    throw fault ?? new MoatError<ActionErrorCode>('not-there', `there is no container ${asked}`, { text: { zh: `没有容器 ${asked}`, en: `there is no container ${asked}` } });
  }

  function engineOf(name: string): Engine {
    const found = engines().find((engine) => engine.name === name);
    if (found === undefined) throw new MoatError('no-engine', `expected ${name}, which ran the container, it is not here any more`);
    return found;
  }
}

const isNever = ({ Name }: RestartPolicy): boolean => Name === '' || Name === 'no';
const isSame = (a: RestartPolicy, b: RestartPolicy): boolean => (isNever(a) && isNever(b)) || (a.Name === b.Name && a.MaximumRetryCount === b.MaximumRetryCount);
const gone = ({ name }: ContainerState): MoatError<ActionErrorCode> => new MoatError<ActionErrorCode>('changed', `the container ${name} was removed since`, { text: { zh: `容器 ${name} 已被删除`, en: `the container ${name} was removed since` } });

function stepsOf(engine: string, { id, image, running, paused, restart, passing }: Container, pause: boolean): PlanStep[] {
  const short = id.slice(0, 12);
  if (pause) return [{ text: { zh: `由 ${engine} 暂停（镜像 ${image}）：内存与文件原样保留，供取证`, en: `have ${engine} pause it (image ${image}): memory and files stay as they are, for evidence` }, command: [engine, 'pause', short] }];
  const steps: PlanStep[] = [];
  if (!isNever(restart) && !passing) steps.push({ text: { zh: `把重启策略 ${restart.Name} 改为 no`, en: `set its restart policy from ${restart.Name} to no` }, command: [engine, 'update', '--restart=no', short] });
  if (running) steps.push(paused ? { text: { zh: `结束它（镜像 ${image}），不让它再运行`, en: `end it (image ${image}) without letting it run again` }, command: [engine, 'kill', short] } : { text: { zh: `停止它（镜像 ${image}），${stopSeconds} 秒后强制结束`, en: `stop it (image ${image}), by force after ${stopSeconds} s` }, command: [engine, 'stop', short] });
  if (passing) steps.push({ text: { zh: '注意：它一停止就会被引擎删除，无法恢复', en: 'mind: its engine removes it as soon as it stops, and it cannot be brought back' } });
  return steps;
}
