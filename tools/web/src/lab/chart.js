// SPDX-License-Identifier: MIT
// A chart of arms (uPlot): for each a bar of Greyhound's median and one of Go's, with whiskers from which to which value
// the middle half of the repetitions lies. Go's bars are hatched, so that the two differ without colour.
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { ns } from './format.js';

const colors = () => {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(name).trim();
  return { ink: read('--ink'), soft: read('--ink-soft'), line: read('--line'), ours: read('--chart-ours'), go: read('--chart-go'), paper: read('--raised') };
};

let goPattern = null;
function hatched(context, color, paper) {
  const tile = document.createElement('canvas');
  tile.width = tile.height = 8;
  const pen = tile.getContext('2d');
  pen.fillStyle = paper;
  pen.fillRect(0, 0, 8, 8);
  pen.strokeStyle = color;
  pen.lineWidth = 2;
  for (const shift of [-8, 0, 8]) { pen.beginPath(); pen.moveTo(shift, 8); pen.lineTo(shift + 8, 0); pen.stroke(); }
  goPattern = context.createPattern(tile, 'repeat');
  return goPattern;
}

// `arms`: [{ name, ours: {median, low, high} | null, go: same }]. `unit`: of the values. Those that differ much are on a
// logarithmic scale, unless `linear`.
export function mountChart(element, arms, unit, label, linear = false) {
  const values = arms.flatMap((arm) => [arm.ours, arm.go]).filter(Boolean).flatMap((spread) => [spread.median, spread.high ?? spread.median]);
  const most = Math.max(...values, 0.01);
  const positive = values.filter((value) => value > 0);
  const logarithmic = !linear && positive.length > 1 && most / Math.min(...positive) > 60;
  const floor = logarithmic ? Math.min(...positive) / 2 : 0;
  const rowHeight = 34;
  const holder = document.createElement('div');
  holder.className = 'chart';
  holder.setAttribute('role', 'img');
  holder.setAttribute('aria-label', `${label}, ${unit}: ` + arms.map((arm) =>
    `${arm.name} ${arm.ours ? ns(arm.ours.median) : 'not measured'}${arm.go ? `, Go ${ns(arm.go.median)}` : ''}`).join('; '));
  element.append(holder);

  const bars = (u) => {
    const { ctx } = u;
    const pixel = uPlot.pxRatio;
    const c = colors();
    const pattern = hatched(ctx, c.go, c.paper);
    ctx.save();
    arms.forEach((arm, index) => {
      const middle = u.valToPos(index, 'x', true);
      const one = (spread, fill, stroke, shift) => {
        if (!spread) return;
        const from = u.valToPos(floor, 'y', true);
        const to = u.valToPos(Math.max(spread.median, floor), 'y', true);
        const height = 11 * pixel;
        const top = middle + shift * pixel - height / 2;
        ctx.fillStyle = fill;
        ctx.fillRect(from, top, Math.max(to - from, pixel), height);
        ctx.strokeStyle = stroke;
        ctx.lineWidth = pixel;
        ctx.strokeRect(from, top, Math.max(to - from, pixel), height);
        if (spread.low !== undefined && spread.low !== null) {
          const low = u.valToPos(Math.max(spread.low, floor), 'y', true);
          const high = u.valToPos(Math.max(spread.high, floor), 'y', true);
          ctx.strokeStyle = c.ink;
          ctx.lineWidth = 1.5 * pixel;
          ctx.beginPath();
          ctx.moveTo(low, top + height / 2); ctx.lineTo(high, top + height / 2);
          for (const x of [low, high]) { ctx.moveTo(x, top + 2 * pixel); ctx.lineTo(x, top + height - 2 * pixel); }
          ctx.stroke();
        }
      };
      one(arm.ours, c.ours, c.ours, arm.go ? -7 : 0);
      one(arm.go, pattern, c.go, arm.ours ? 7 : 0);
    });
    ctx.restore();
  };

  const nothing = () => null;
  const wide = () => Math.max(holder.clientWidth, 240);
  // The names' column: as wide as the longest, but leaving room for bars on a phone.
  const names = () => Math.min(Math.max(...arms.map((arm) => arm.name.length)) * 7.2 + 16, wide() * 0.42);
  const options = () => {
    const c = colors();
    return {
      width: wide(),
      height: arms.length * rowHeight + 44,
      legend: { show: false },
      cursor: { show: false },
      select: { show: false },
      padding: [6, 18, 0, 0],
      scales: {
        x: { time: false, ori: 1, dir: -1, range: () => [-0.6, arms.length - 0.4] },
        y: { ori: 0, distr: logarithmic ? 3 : 1, range: () => [floor, most * (logarithmic ? 1.4 : 1.06)] },
      },
      axes: [
        { side: 3, stroke: c.ink, grid: { show: false }, ticks: { show: false }, size: names(), font: '12px system-ui, sans-serif',
          splits: () => arms.map((_, index) => index), values: (_, splits) => splits.map((index) => arms[index]?.name ?? '') },
        { side: 2, stroke: c.soft, grid: { stroke: c.line, width: 1 }, ticks: { stroke: c.line }, font: '12px system-ui, sans-serif', label: logarithmic ? `${unit}, logarithmic` : unit, labelSize: 18, labelFont: '12px system-ui, sans-serif', size: 26 },
      ],
      series: [{}, { scale: 'y', paths: nothing, points: { show: false } }],
      hooks: { draw: [bars] },
    };
  };
  const data = [arms.map((_, index) => index), arms.map((arm) => arm.ours?.median ?? arm.go?.median ?? 0)];
  let plot = new uPlot(options(), data, holder);
  let width = wide();
  const again = () => { plot.destroy(); plot = new uPlot(options(), data, holder); };
  new ResizeObserver(() => {
    if (wide() === width) return;
    width = wide();
    again();
  }).observe(holder);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', again);
  return holder;
}

// A line over time, for the live page: push(values) adds a point to each series.
export function mountLines(element, names, label) {
  const holder = document.createElement('div');
  holder.className = 'chart lines';
  holder.setAttribute('role', 'img');
  holder.setAttribute('aria-label', label);
  element.append(holder);
  const data = [[], ...names.map(() => [])];
  const c = colors();
  const dashes = [[], [6, 4], [2, 3]];
  const plot = new uPlot({
    width: Math.max(holder.clientWidth, 240), height: 200, legend: { show: true }, cursor: { show: false },
    scales: { x: { time: false } },
    axes: [{ stroke: c.soft, grid: { stroke: c.line } , label: 'seconds', labelSize: 18, size: 30 }, { stroke: c.soft, grid: { stroke: c.line }, label: 'MiB', labelSize: 18 }],
    series: [{ label: 's' }, ...names.map((name, i) => ({ label: name, stroke: i === 0 ? c.ours : c.go, width: 2, dash: dashes[i], points: { show: false } }))],
  }, data, holder);
  new ResizeObserver(() => plot.setSize({ width: Math.max(holder.clientWidth, 240), height: 200 })).observe(holder);
  return (time, values) => {
    data[0].push(time);
    values.forEach((value, i) => data[i + 1].push(value));
    if (data[0].length > 600) data.forEach((series) => series.shift());
    plot.setData(data);
  };
}
