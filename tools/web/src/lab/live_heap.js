// SPDX-License-Identifier: MIT
// Live heap and goal of the runtimes that the server observes, from /debug/gc as server-sent events.
import { el } from '../dom.js';
import { mountLines } from './chart.js';

export function mountLiveHeap(element) {
  const now = el('p', { class: 'numbers' }, 'waiting for the first figures');
  element.append(el('p', { class: 'lead' }, 'Live heap and heap goal of the runtime that runs the lab, at most ten times a second. Looking costs it nothing but the reading of counters.'), now);
  const push = mountLines(element, ['live', 'goal'], 'Live heap and heap goal over time');
  const mib = (bytes) => bytes / (1 << 20);
  let start = null;
  const source = new EventSource('/debug/gc');
  source.onmessage = (message) => {
    const gc = JSON.parse(message.data);
    const live = gc.heap_live ?? gc.heap?.live ?? 0;
    const goal = gc.heap_goal ?? gc.heap?.goal ?? 0;
    start ??= performance.now();
    push((performance.now() - start) / 1000, [mib(live), goal > 2 ** 62 ? null : mib(goal)]);
    now.textContent = `cycle ${gc.cycles ?? gc.gc?.cycles ?? 0} · phase ${gc.phase ?? 'idle'} · live ${mib(live).toFixed(1)} MiB · goal ${goal > 2 ** 62 ? 'none' : `${mib(goal).toFixed(1)} MiB`}`;
  };
  addEventListener('pagehide', () => source.close());
}
