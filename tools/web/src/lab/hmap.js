// SPDX-License-Identifier: MIT
// An hmap drawn: header, buckets and oldbuckets with a tophash byte for each slot, overflow chains, and the evacuation
// cursor. The marks of empty and evacuated slots have signs of their own.
import { el } from '../dom.js';

// What a tophash byte below 5 says: sign, words.
const marks = [
  ['·', 'empty, and everything after it'], ['∘', 'empty'], ['X', 'moved to the first half'], ['Y', 'moved to the second half'], ['×', 'empty, evacuated'],
];

export function mountHmap() {
  const header = el('dl', { class: 'hmap-header' });
  const tables = el('div', { class: 'tables' });
  const element = el('div', { class: 'hmap' }, header, tables);
  let before = null;

  function keysOf(map) {
    const keys = new Set();
    for (const [name, table] of [['old', map.oldbuckets], ['new', map.buckets]]) {
      table.forEach((bucket, number) => bucket.chain.forEach((link, depth) => link.entries.forEach((entry, slot) => {
        if (entry) keys.add(`${name}/${number}/${depth}/${slot}/${entry[0]}`);
      })));
    }
    return keys;
  }

  function slot(top, entry, fresh) {
    const text = entry ? entry[0] : marks[Math.min(top, 4)][0];
    const words = entry ? `${entry[0]}: ${entry[1]}, tophash ${top.toString(16)}` : marks[Math.min(top, 4)][1];
    return el('span', { class: `slot${entry ? ' full' : ` mark${top}`}${fresh ? ' changed' : ''}`, title: words },
      el('b', {}, entry ? top.toString(16).padStart(2, '0') : ' '), el('i', {}, text));
  }

  function table(name, buckets, map, old) {
    return el('div', { class: 'table' },
      el('h4', {}, `${name} `, el('small', {}, buckets.length === 0 ? 'none' : `${buckets.length} bucket${buckets.length === 1 ? '' : 's'}`)),
      el('ol', { start: 0, class: 'buckets' }, ...buckets.map((bucket, number) => {
        const cursor = old && number === map.nevacuate;
        return el('li', { class: `bucket${bucket.evacuated ? ' evacuated' : ''}${cursor ? ' cursor' : ''}` },
          el('span', { class: 'number' }, cursor ? `▶ ${number}` : String(number)),
          el('span', { class: 'chain' }, ...bucket.chain.flatMap((link, depth) => [
            depth > 0 ? el('span', { class: 'to-overflow', title: 'overflow pointer' }, '↳ overflow') : null,
            el('span', { class: 'slots8', role: 'img', 'aria-label': told(link, bucket.evacuated) },
              ...link.tophash.map((top, i) => slot(top, link.entries[i],
                link.entries[i] && before && !before.has(`${old ? 'old' : 'new'}/${number}/${depth}/${i}/${link.entries[i][0]}`)))),
          ]).filter(Boolean)),
          bucket.evacuated ? el('span', { class: 'word' }, 'evacuated') : null);
      })));
  }
  function told(link, evacuated) {
    if (evacuated) return 'evacuated bucket';
    const keys = link.entries.filter(Boolean).map((entry) => entry[0]);
    return keys.length === 0 ? 'empty bucket' : `bucket with ${keys.join(', ')}`;
  }

  // `follows`: the frame is the one after the last drawn; else nothing is marked as new.
  function draw(frame, follows = true) {
    const map = frame.map;
    if (!map) return;
    if (!follows) before = null;
    const field = (name, value) => el('div', {}, el('dt', {}, name), el('dd', {}, value));
    header.replaceChildren(...[
      field('count', String(map.count)), field('B', `${map.B} (${2 ** map.B} buckets)`), field('load', `${map.load.toFixed(2)} of 6.5`),
      field('flags', map.flags.join(' ') || '0'), field('hash0', `…${map.hash0}`), field('noverflow', String(map.noverflow)),
      field('nevacuate', map.growing ? `${map.nevacuate} of ${map.oldbuckets.length}` : String(map.nevacuate)),
    ]);
    const now = keysOf(map);
    tables.replaceChildren(table('buckets', map.buckets, map, false));
    if (map.growing) tables.append(table('oldbuckets', map.oldbuckets, map, true));
    else tables.append(el('p', { class: 'soft' }, 'oldbuckets: nil. No growth is under way.'));
    before = now;
  }
  return { element, draw };
}
