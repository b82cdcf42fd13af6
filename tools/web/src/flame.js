// SPDX-License-Identifier: MIT
import flamegraph from 'd3-flame-graph';
import { select } from 'd3-selection';

export function mountFlameGraph(element, data) {
  const chart = flamegraph();
  select(element).datum({ name: data.title, value: 0, children: [] }).call(chart);
}
