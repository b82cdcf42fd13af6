// SPDX-License-Identifier: MIT
// The flame graphs of the run, one at a time.
import { el } from '../dom.js';
import { mountFlameGraph } from '../flame.js';
import { keep, kept } from './place.js';

export function mountProfiles(element, profiles) {
  const holder = el('div', { class: 'flame-holder' });
  const buttons = profiles.map((profile, i) => el('button', { type: 'button', 'aria-pressed': 'false', onclick: () => { show(i); keep({ profile: i }); } }, profile.title));
  let graph = null;
  function show(chosen) {
    graph?.destroy();
    buttons.forEach((button, i) => button.setAttribute('aria-pressed', String(i === chosen)));
    holder.replaceChildren();
    graph = mountFlameGraph(holder, profiles[chosen], { heading: false, shortcuts: false });
  }
  element.append(el('div', { class: 'controls', role: 'group', 'aria-label': 'Which profile' }, ...buttons), holder);
  show(profiles[kept().profile] ? kept().profile : 0);
}
