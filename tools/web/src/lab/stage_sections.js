// SPDX-License-Identifier: MIT
// The sections that replay the stage: the heap in colours, the broken barrier, the map that grows. On the served page the
// heap's and the barrier's can be driven: what they show is then the server's stage, not a recording.
import { el } from '../dom.js';
import { LiveStage, Recording } from './frames.js';
import { mountGraph } from './graph.js';
import { mountHeapGrid } from './heap_grid.js';
import { mountHmap } from './hmap.js';
import { mountPlayer } from './player.js';
import { mountState } from './stage_state.js';
import { legend } from './tricolor.js';

const recordingOf = (recordings, scenario, broken = false) =>
  new Recording(recordings.find((recording) => recording.scenario === scenario && recording.broken === broken));

export function mountHeap(element, recordings) {
  const state = mountState();
  const grid = mountHeapGrid();
  const player = mountPlayer({ frames: recordingOf(recordings, 'cycle'), label: 'Replay of a cycle', show: (frame, follows) => { state.draw(frame); grid.draw(frame, follows); } });
  element.append(player.element, state.element, legend(), grid.element);
  // Not at rest, but where there is something of each colour.
  player.go(20);
}

export function mountGrowth(element, recordings) {
  const map = mountHmap();
  const player = mountPlayer({ frames: recordingOf(recordings, 'map-growth'), label: 'Replay of a map that grows', phases: false, show: (frame, follows) => map.draw(frame, follows) });
  element.append(player.element, map.element);
  // In the middle of the last growth.
  const frames = recordingOf(recordings, 'map-growth');
  let growing = 0;
  for (let i = 0; i < frames.length; ++i) if (frames.at(i).map?.growing) growing ||= i;
  for (let i = growing; i < frames.length; ++i) if (frames.at(i).map?.growing) growing = i;
  player.go(Math.max(growing - 2, 0));
}

export function mountBarrier(element, recordings) {
  const graph = mountGraph('Objects, who refers to whom, and their colours');
  const state = mountState();
  const verdict = el('div', { class: 'lost', role: 'status' });
  const holder = el('div');
  const both = { true: recordingOf(recordings, 'broken-barrier', true), false: recordingOf(recordings, 'broken-barrier', false) };
  let broken = false;
  let player = null;
  const toggle = el('button', { type: 'button', class: 'break', 'aria-pressed': 'false', onclick: () => set(!broken) }, 'Break the barrier');

  function show(frame) {
    graph.draw(frame, both[broken].at(0));
    state.draw(frame);
    verdict.className = `lost${frame.lost.length ? ' found' : ''}`;
    verdict.replaceChildren(...lostText(frame));
  }
  function set(value) {
    const at = player ? player.at : 0;
    broken = value;
    player?.stop();
    toggle.setAttribute('aria-pressed', String(broken));
    toggle.textContent = broken ? 'Mend the barrier' : 'Break the barrier';
    player = mountPlayer({ frames: both[broken], label: 'Replay of three objects and two mutators', show });
    holder.replaceChildren(player.element);
    player.go(at);
  }
  element.append(el('div', { class: 'controls' }, toggle), holder, el('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Objects' }, graph.element), verdict, state.element);
  set(false);
}

export function lostText(frame) {
  if (frame.lost.length === 0) {
    return [frame.checked ? el('p', {}, '✓ Checkmark has walked again from the roots, by code of its own but for what a word on a stack points to: everything reachable is marked.')
      : el('p', { class: 'soft' }, 'When marking ends, checkmark looks whether everything reachable is marked.')];
  }
  return frame.lost.map((entry) => el('p', {},
    el('strong', {}, `✕ Lost: #${entry.object} ${entry.name}. `),
    `Checkmark finds it reachable from ${entry.by}${entry.field ? ` by its field ${entry.field}` : ''}, and white. `,
    entry.freed ? `The sweep has freed it; the program that follows the pointer reads ${entry.value} where 0x2a was.` : 'The sweep will free it.'));
}

// --- served: the stage itself

export function mountLiveStage(element) {
  const stage = new LiveStage();
  const state = mountState();
  const grid = mountHeapGrid();
  const graph = mountGraph('Objects of the stage');
  const map = mountHmap();
  const verdict = el('div', { class: 'lost', role: 'status' });
  const graphHolder = el('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Objects' }, graph.element);
  let seed = null;
  let scenario = null;

  function show(frame, follows) {
    state.draw(frame);
    grid.draw(frame, follows);
    if (frame.scenario !== scenario || frame.seed !== seed) graph.forget();
    [scenario, seed] = [frame.scenario, frame.seed];
    graphHolder.hidden = frame.scenario !== 'broken-barrier';
    if (!graphHolder.hidden) graph.draw(frame, stage.at(0));
    map.element.hidden = frame.map === null;
    map.draw(frame, follows);
    verdict.className = `lost${frame.lost.length ? ' found' : ''}`;
    verdict.replaceChildren(...lostText(frame));
    toggle.setAttribute('aria-pressed', String(frame.broken));
    toggle.textContent = frame.broken ? 'Mend the barrier' : 'Break the barrier';
  }
  const send = (command) => player.ask(command);
  const button = (text, command) => el('button', { type: 'button', onclick: () => send(command()) }, text);
  const choice = (label, values) => el('select', { 'aria-label': label }, ...values.map((value) => el('option', {}, value)));
  const field = (label, value, size = 6) => el('input', { 'aria-label': label, value, size, maxlength: 24 });
  const number = (input) => (input.value.trim() === '' ? null : Number(input.value));

  const scenarios = choice('Scenario', ['cycle', 'broken-barrier', 'map-growth']);
  const seeds = field('Seed', '1', 4);
  const phases = choice('Phase', ['drain', 'scan-roots', 'barrier-off', 'sweep', 'idle']);
  const who = choice('Mutator', ['A', 'B']);
  const [from, to, side, root] = [field('From object', '', 4), field('To object, empty for nil', '', 4), choice('Field', ['left', 'right']), field('Root', 'mine', 6)];
  const [key, value] = [field('Key', 'key9'), field('Value', '1000')];
  let broken = () => stage.frames.at(-1)?.broken ?? false;
  const toggle = el('button', { type: 'button', class: 'break', onclick: () => send({ command: 'break_barrier', broken: !broken() }) }, 'Break the barrier');

  const player = mountPlayer({ frames: stage, label: 'The stage', show });
  element.append(
    el('div', { class: 'controls' }, scenarios, el('label', {}, 'seed ', seeds),
      button('Reset', () => ({ command: 'reset', scenario: scenarios.value, seed: Number(seeds.value) })),
      phases, button('Run to phase', () => ({ command: 'run', to: phases.value })),
      button('Checkmark', () => ({ command: 'checkmark' })), toggle),
    player.element,
    el('details', { class: 'mutate' }, el('summary', {}, 'Be the mutator'),
      el('div', { class: 'controls' }, el('label', {}, 'mutator ', who),
        el('label', {}, 'root ', root), button('Allocate', () => ({ command: 'mutate', do: 'allocate', mutator: who.value, root: root.value })),
        button('Set the root', () => ({ command: 'mutate', do: 'root', mutator: who.value, root: root.value, to: number(to) }))),
      el('div', { class: 'controls' }, el('label', {}, 'from ', from), side, el('label', {}, 'to ', to),
        button('Store', () => ({ command: 'mutate', do: 'store', mutator: who.value, from: number(from), field: side.value, to: number(to) }))),
      el('div', { class: 'controls' }, el('label', {}, 'key ', key), el('label', {}, 'value ', value),
        button('Assign', () => ({ command: 'mutate', do: 'assign', mutator: who.value, key: key.value, value: Number(value.value) })),
        button('Delete', () => ({ command: 'mutate', do: 'erase', mutator: who.value, key: key.value })))),
    state.element, verdict, graphHolder, legend(), grid.element, map.element);
  stage.look().then(() => player.go(0));
}
