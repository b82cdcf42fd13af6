// SPDX-License-Identifier: MIT
// The lab page: entry of the bundle "lab". Each section is a file of lab/; what is below the fold is built when it
// comes near the window, so that the page opens at once.
import './theme.css';
import './lab/lab.css';
import { dataOf, el } from './dom.js';
import { foldAfterPrint, unfoldFor, unfoldToPrint } from './lab/experiments.js';
import { rememberTop, topRemembered } from './lab/place.js';
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
addEventListener('beforeprint', () => { buildAll(); unfoldToPrint(); });
addEventListener('afterprint', foldAfterPrint);

// A link within the page leads to what has its place only when all above it is built, and may be folded up.
function arrive(hash) {
  buildAll();
  const target = document.getElementById(decodeURIComponent(hash.slice(1)));
  if (!target) return;
  unfoldFor(target);
  target.scrollIntoView();
}
page.addEventListener('click', (event) => {
  const link = event.target.closest('a[href^="#"]');
  if (!link) return;
  buildAll();
  const target = document.getElementById(decodeURIComponent(link.hash.slice(1)));
  if (target) unfoldFor(target);
  // The link leads to where it already is: nothing else would scroll there again.
  if (link.hash === location.hash) target?.scrollIntoView();
});
// A new place by the address line or a link is arrived at; Back and Forward return to where the reader was.
addEventListener('hashchange', () => { if (topRemembered() === undefined) arrive(location.hash); });
addEventListener('popstate', () => { buildAll(); if (topRemembered() !== undefined) scrollTo(0, topRemembered()); });
history.scrollRestoration = 'manual';
let saving = 0;
addEventListener('scroll', () => {
  clearTimeout(saving);
  saving = setTimeout(rememberTop, 100);
});
addEventListener('pagehide', rememberTop);
// Charts get their height with the first frames: once more then.
function settle(go) {
  go();
  requestAnimationFrame(() => requestAnimationFrame(go));
}
if (topRemembered() !== undefined) {
  const top = topRemembered();
  buildAll();
  settle(() => scrollTo(0, top));
} else if (location.hash.length > 1) {
  settle(() => arrive(location.hash));
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
