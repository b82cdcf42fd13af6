// SPDX-License-Identifier: MIT
// Moves through frames: back, on, play, a scrubber, the next phase; by buttons or by keys while the focus is within.
// On a live stage, a step beyond the last frame asks the server for the next event.
import { el, reducedMotion } from '../dom.js';

const speeds = [['slow', 1200], ['usual', 500], ['fast', 120]];

// `show(frame, follows)` draws; follows: the frame is the one after the last.
// `phases`: whether there are phases to jump to. Gives { element, go, step, stop }.
export function mountPlayer({ frames, show, label, phases = true, extra = [] }) {
  let at = 0;
  let drawn = -2;
  let timer = null;
  let pause = speeds[1][1];
  const event = el('p', { class: 'event', role: 'status', 'aria-live': 'polite' });
  const failure = el('p', { class: 'failure', role: 'alert', hidden: true });
  const position = el('output', { class: 'position' });
  const scrubber = el('input', { type: 'range', min: 0, max: frames.length - 1, value: 0, 'aria-label': `${label}: event` });
  // The name that is read begins with the text that is seen.
  const button = (text, name, action) => el('button', { type: 'button', title: name, 'aria-label': name.startsWith(text) ? name : `${text}: ${name}`, onclick: action }, text);
  const play = button('▶ Play', 'Play', () => (timer ? stop() : start()));
  play.classList.add('play');

  function draw() {
    const frame = frames.at(at);
    scrubber.max = Math.max(frames.length - 1, 0);
    scrubber.value = at;
    scrubber.setAttribute('aria-valuetext', `event ${at} of ${frames.length - 1}: ${frame.event}`);
    position.textContent = `${at} / ${frames.length - 1}`;
    // While it plays, every event read aloud would be too much.
    event.setAttribute('aria-live', timer ? 'off' : 'polite');
    event.textContent = frame.event;
    show(frame, at === drawn + 1);
    drawn = at;
  }
  function go(index) {
    at = Math.min(Math.max(index, 0), frames.length - 1);
    draw();
  }
  async function step() {
    if (at < frames.length - 1) return go(at + 1);
    if (!frames.more) return stop();
    await ask({ command: 'step' });
  }
  // Of a live stage.
  async function ask(command) {
    try {
      await frames.send(command);
      failure.hidden = true;
      go(frames.length - 1);
    } catch (error) {
      stop();
      failure.textContent = error.message;
      failure.hidden = false;
    }
  }
  function nextPhase(direction) {
    const phase = frames.at(at).phase;
    let index = at;
    while (index + direction >= 0 && index + direction < frames.length && frames.at(index).phase === phase) index += direction;
    go(index);
  }
  function stop() {
    clearTimeout(timer);
    timer = null;
    play.textContent = '▶ Play';
    play.setAttribute('aria-label', '▶ Play');
    play.setAttribute('aria-pressed', 'false');
  }
  function start() {
    if (at >= frames.length - 1 && !frames.more) at = 0;
    play.textContent = '‖ Pause';
    play.setAttribute('aria-label', '‖ Pause');
    play.setAttribute('aria-pressed', 'true');
    const tick = async () => {
      await step();
      if (timer === null) return;
      if (at >= frames.length - 1 && !frames.more) return stop();
      timer = setTimeout(tick, pause);
    };
    timer = setTimeout(tick, 0);
  }

  scrubber.addEventListener('input', () => { stop(); go(Number(scrubber.value)); });
  const speed = el('select', { 'aria-label': 'Speed', onchange: () => { pause = speeds[speed.selectedIndex][1]; } },
    ...speeds.map(([name], i) => el('option', { selected: i === (reducedMotion() ? 0 : 1) }, name)));
  if (reducedMotion()) pause = speeds[0][1];
  const element = el('div', { class: 'player', role: 'group', 'aria-label': label },
    el('div', { class: 'controls' },
      button('Start', 'To the start', () => { stop(); go(0); }),
      phases ? button('‹ Phase', 'Back to the phase before', () => { stop(); nextPhase(-1); }) : null,
      button('‹ Back', 'One event back', () => { stop(); go(at - 1); }),
      play,
      button('Step ›', 'One event on', () => { stop(); step(); }),
      phases ? button('Phase ›', 'To the next phase', () => { stop(); nextPhase(1); }) : null,
      button('End', 'To the end', () => { stop(); go(frames.length - 1); }),
      speed, position, ...extra),
    scrubber, event, failure);
  element.addEventListener('keydown', (key) => {
    if (key.target instanceof HTMLInputElement || key.target instanceof HTMLSelectElement) return;
    if (key.key === 'ArrowRight') { stop(); step(); } else if (key.key === 'ArrowLeft') { stop(); go(at - 1); } else return;
    key.preventDefault();
  });
  if (frames.length > 0) draw();
  return { element, go, step, stop, ask, get at() { return at; } };
}
