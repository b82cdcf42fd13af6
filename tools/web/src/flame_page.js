// SPDX-License-Identifier: MIT
// The page of `greyhound pprof --html`: one flame graph.
import './theme.css';
import { dataOf } from './dom.js';
import { mountFlameGraph } from './flame.js';

mountFlameGraph(document.getElementById('page'), dataOf('profile'), { heading: true });
