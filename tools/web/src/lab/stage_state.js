// SPDX-License-Identifier: MIT
// The state of the stage around its heap: where the cycle is, each mutator's flag, pending handshake and roots.
import { el } from '../dom.js';
import { bytes } from './format.js';

const phases = [
  ['idle', 'idle'], ['barrier-on', 'H1 barrier on'], ['alloc-black', 'H2 allocate black'], ['drain', 'drain'],
  ['scan-roots', 'H3 scan roots'], ['barrier-off', 'H4 barrier off'], ['alloc-white', 'H5 allocate white'], ['sweep', 'sweep'],
];

export function mountState() {
  const steps = phases.map(([key, text]) => [key, el('li', {}, text)]);
  const line = el('ol', { class: 'phases', 'aria-label': 'Phases of a cycle' }, ...steps.map(([, item]) => item));
  const numbers = el('p', { class: 'numbers' });
  const mutators = el('div', { class: 'mutators' });
  const element = el('div', { class: 'state' }, line, numbers, mutators);

  function draw(frame) {
    for (const [key, item] of steps) {
      if (key === frame.phase) item.setAttribute('aria-current', 'step');
      else item.removeAttribute('aria-current');
    }
    numbers.textContent = `cycle ${frame.cycle} · round ${frame.round} · live ${bytes(frame.heap.live)} · goal ${bytes(frame.heap.goal)} · ` +
      `${Object.keys(frame.objects).length} objects`;
    mutators.replaceChildren(...Object.entries(frame.mutators).map(([name, mutator]) =>
      el('div', { class: 'mutator' },
        el('strong', {}, `mutator ${name}`),
        el('span', { class: mutator.barrier_on ? 'flag up' : 'flag' }, mutator.barrier_on ? '⚑ barrier on' : '⚐ barrier off'),
        mutator.barrier_broken ? el('span', { class: 'flag broken' }, '✕ broken') : null,
        mutator.alloc_black ? el('span', { class: 'flag' }, '■ allocates black') : null,
        mutator.shades ? el('span', { class: 'flag' }, `${mutator.shades} shaded`) : null,
        mutator.pending ? el('span', { class: 'flag pending' }, `… has to answer ${mutator.pending}`) : null,
        el('span', { class: 'roots' }, 'roots: ' + (frame.roots.filter((root) => root.mutator === name)
          .map((root) => `${root.name}→${root.to === null ? 'nothing' : `#${root.to}`}`).join(', ') || 'none')))));
  }
  return { element, draw };
}
