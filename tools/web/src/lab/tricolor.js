// SPDX-License-Identifier: MIT
// What white, grey and black look like: fill and pattern, and the words for them.
import { el } from '../dom.js';

export const meaning = {
  white: 'not reached yet; garbage if it stays so',
  grey: 'reached, but not scanned: queued',
  black: 'reached and scanned, or allocated while marking',
};

export function legend() {
  return el('ul', { class: 'tri-legend', 'aria-label': 'Colours' },
    ...Object.entries(meaning).map(([color, text]) =>
      el('li', {}, el('span', { class: `swatch ${color}`, 'aria-hidden': 'true' }), el('strong', {}, color), ` ${text}`)),
    el('li', {}, el('span', { class: 'swatch white dashed', 'aria-hidden': 'true' }), el('strong', {}, 'dashed'), ' no mutator can reach it'));
}

export function nameOf(id, object) {
  return object?.name ? `${object.name} (#${id})` : `#${id}`;
}

// "#5 prize, Node, 32 B, white"
export function describe(id, object) {
  return `#${id}${object.name ? ` ${object.name}` : ''}, ${object.type}, ${object.size} B, ${object.color}` +
    (object.reachable ? '' : ', unreachable');
}
