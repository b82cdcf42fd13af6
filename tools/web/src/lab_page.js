// SPDX-License-Identifier: MIT
// The lab page: entry of the bundle "lab". Each section is a file of lab/; what is below the fold is built when it
// comes near the window, so that the page opens at once.
import './theme.css';
import './lab/lab.css';
import { dataOf, el } from './dom.js';
import { sections } from './lab/sections.js';

const data = Object.fromEntries(
  ['report', 'ledger', 'recordings', 'timeline', 'profiles', 'about'].map((name) => [name, dataOf(`${name}-data`)]),
);
const shown = sections(data).filter((section) => section.build);

const page = document.getElementById('page');
const main = el('main', { id: 'main' });
page.append(
  el('a', { class: 'skip', href: '#main' }, 'Skip to the figures'),
  el('nav', { class: 'contents', 'aria-label': 'Sections' },
    el('ol', {}, ...shown.map((section) => el('li', {}, el('a', { href: `#${section.id}` }, section.short))))),
  main,
);

const waiting = new Map();
for (const section of shown) {
  const body = el('div', { class: 'body' });
  const element = el('section', { id: section.id, 'aria-labelledby': `${section.id}-title` },
    section.level === 1 ? el('h1', { id: `${section.id}-title` }, section.title) : el('h2', { id: `${section.id}-title` }, section.title),
    body);
  main.append(element);
  if (section.eager) section.build(body);
  else waiting.set(element, () => section.build(body));
}

function build(element) {
  const make = waiting.get(element);
  if (!make) return;
  waiting.delete(element);
  make();
}

// Sections keep some height until they are built, so that a link to a later one ends near it.
for (const element of waiting.keys()) element.classList.add('waiting');
const near = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    near.unobserve(entry.target);
    entry.target.classList.remove('waiting');
    build(entry.target);
  }
}, { rootMargin: '600px' });
for (const element of waiting.keys()) near.observe(element);

// What a link or the printer wants must be there.
function buildAll() {
  for (const element of [...waiting.keys()]) {
    element.classList.remove('waiting');
    build(element);
  }
}
addEventListener('beforeprint', buildAll);
for (const link of page.querySelectorAll('nav.contents a')) {
  link.addEventListener('click', buildAll);
}
if (location.hash.length > 1) {
  buildAll();
  document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

// Which section is being read.
const links = new Map([...page.querySelectorAll('nav.contents a')].map((link) => [link.hash.slice(1), link]));
const reading = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    for (const [id, link] of links) link.setAttribute('aria-current', String(id === entry.target.id));
  }
}, { rootMargin: '-20% 0px -70% 0px' });
for (const element of main.children) reading.observe(element);
