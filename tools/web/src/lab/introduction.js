// SPDX-License-Identifier: MIT
// The top of the page: the machine, the three costs with their figures, and what Go really does.
import { el } from '../dom.js';
import { ns } from './format.js';

// The figures of one arm; null when its experiment was not run. A name that no arm has is this page's fault: better no
// page than another arm's figure.
export function arm(report, id, name) {
  const experiment = report.experiments.find((one) => one.id === id);
  if (!experiment) return null;
  const found = experiment.arms.find((one) => one.name === name);
  if (!found) throw new Error(`${id} has no arm '${name}', only ${experiment.arms.map((one) => `'${one.name}'`).join(', ')}`);
  return found;
}

function cost(title, figure, text, target) {
  return el('li', {}, el('h3', {}, title), el('p', { class: 'figure' }, figure), el('p', {}, ...text.split('`').map((part, i) => (i % 2 ? el('code', {}, part) : part))),
    target ? el('p', {}, el('a', { href: `#${target[0]}` }, target[1])) : null);
}

export function mountIntroduction(element, { report, ledger, about }) {
  if (!report) {
    element.append(el('p', { class: 'lead', role: 'status' }, 'The experiments are running. Their figures are here when they are over and the page is loaded again; what is below works already.'),
      el('p', {}, el('button', { type: 'button', onclick: () => location.reload() }, 'Load again')));
    return;
  }
  const column = (name) => ledger.columns.find((one) => one.who === 'Greyhound' && one.name === name);
  const [boxed, unboxed] = [column('boxed'), column('unboxed')];
  const more = boxed.total.median - unboxed.total.median;
  const machine = report.machine;
  const escape = arm(report, 'X3', '&ok');
  element.append(
    el('p', { class: 'lead' }, 'In Go, ', el('code', {}, 'v, ok := m[key]'), ' on a ', el('code', {}, 'map[string]interface{}'),
      ' is said to set off three hidden costs of garbage collection. Greyhound is a small runtime with a collector, maps and interfaces like Go\u2019s, built to look at such claims. ',
      'Everything on this page was measured or recorded on one machine, by one command.'),
    el('dl', { class: 'machine' },
      el('dt', {}, 'machine'), el('dd', {}, `${machine.cpu_model}, ${machine.cores} cores, ${machine.kernel}`),
      el('dt', {}, 'Greyhound'), el('dd', {}, `${report.greyhound.version} (${report.greyhound.build_type}), ${machine.compiler}`),
      el('dt', {}, 'Go'), el('dd', {}, report.go_note),
      ...Object.entries(report.settings.environment).flatMap(([name, value]) => [el('dt', {}, 'setting'), el('dd', {}, el('code', {}, `${name}=${value}`), '; the figures are those of this setting')]),
      report.settings.quick ? el('dt', {}, 'note') : null, report.settings.quick ? el('dd', {}, 'a quick run: fewer operations and repetitions') : null,
      el('dt', {}, 'again'), el('dd', {}, el('code', {}, about.command))),
    el('ol', { class: 'costs' },
      cost('Boxing', `+${ns(more)} ns, ${boxed.allocs_per_op.toFixed(0)} allocation a write`,
        'An interface holds a pointer. Storing an `int` of 256 and up makes an object for it to point to. It happens at the *write*; a read hands out the box that is there and allocates nothing.'.replaceAll('*', ''), ['ledger', 'The ledger splits it']),
      cost('A variable that escapes', escape ? `${escape.allocs_per_op.toFixed(0)} allocation, ${Number(escape.bytes_per_op.toFixed(1))} B a lookup` : 'not measured in this run: X3',
        'Measured with `return &ok`. `v` or `ok` goes to the heap when its address is taken and outlives the function, or a closure that outlives it captures it by reference. Returning it, storing it or testing it does not.', escape ? ['experiment-X3', 'X3 has the cases'] : null),
      cost('Mark work', boxed.marking_ns === null ? 'not measured in this run' : `${ns(boxed.marking_ns)} ns a write, on other threads`,
        'Every live object must be found again in every cycle. What costs is what lives: boxes that died are never marked; they only make the next cycle come sooner.', ['heap', 'A cycle, step by step'])),
    el('details', { class: 'honest' }, el('summary', {}, 'What Go really does'),
      el('ul', {},
        el('li', {}, 'A map lookup never allocates, whatever the value\u2019s type. Go\u2019s mapaccess functions call the hash function and nothing that allocates; newer maps, since 1.24, neither.'),
        el('li', {}, 'Go 1.19 has no convT2E any more: it boxes by convT, convT64, convTstring and others. Greyhound keeps the old name for the general one, so that it is found in a profile.'),
        el('li', {}, 'Integers below 256, zero values, pointers and constants are boxed without an allocation.'),
        el('li', {}, 'Go marks concurrently. Its two stops a cycle take microseconds and do not grow with the heap; Greyhound has no stop, only handshakes.'),
        el('li', {}, 'Marking appears in a CPU profile under gcBgMarkWorker and under mallocgc as an assist, never under mapaccess; and Go\u2019s heap profile leaves runtime frames out, so boxing cannot be seen in it by name.'),
        el('li', {}, 'Greyhound is modelled on Go up to 1.19. Where a column says Go, it is the release named there, on the same machine, in turn with Greyhound.'))));
}
