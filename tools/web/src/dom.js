// SPDX-License-Identifier: MIT
// Elements by name, attributes and children. Text is set as text: nothing that a profile holds is read as HTML.

// el('button', { class: 'x', onclick: f, 'aria-pressed': 'true' }, 'text', child)
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? '' : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// The JSON of <script type="application/json" id="ID">.
export function dataOf(id) {
  return JSON.parse(document.getElementById(id).textContent);
}

export function reducedMotion() {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}
