// SPDX-License-Identifier: MIT
// Live heap and goal of the runtimes that the server observes, from /debug/gc as server-sent events.
import { el } from '../dom.js';
import { mountLines } from './chart.js';

export function mountLiveHeap(element) {
  const now = el('p', { class: 'numbers' }, 'waiting for the first figures');
  element.append(el('p', { class: 'lead' }, 'Live heap and heap goal of the runtime that runs the lab, at most ten times a second. Looking costs it nothing but the reading of counters.'), now);
  const push = mountLines(element, ['live', 'goal'], 'Live heap and heap goal over time');
  const mib = (bytes) => (bytes === null ? null : bytes / (1 << 20));
  const words = (bytes) => (bytes === null ? 'none' : `${mib(bytes).toFixed(1)} MiB`);
  const start = performance.now();
  const source = new EventSource('/debug/gc');
  source.onmessage = (message) => {
    const { heap, cycles, phase, runtimes } = JSON.parse(message.data);
    push((performance.now() - start) / 1000, [mib(heap.live_bytes), mib(heap.goal_bytes)]);
    now.textContent = runtimes === 0 ? 'no runtime is there now: the experiments are over' :
      `cycles ${cycles} · ${phase || 'idle'} · live ${words(heap.live_bytes)} · goal ${words(heap.goal_bytes)}`;
  };
  addEventListener('pagehide', () => source.close());
}
