// SPDX-License-Identifier: MIT
// The lab page as a file: opened from disk with no network, stepped, replayed, its barrier broken, its figures added up.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { command, expectAccessible, expectQuiet, fileIn, greyhound, launch, open, tryGreyhound } from './harness.js';

const file = fileIn('lab.html');
// Of the experiments that time nothing, with settings that change the figures.
const untimed = fileIn('untimed.html');
const settings = { GREYHOUND_GC: '200', GREYHOUND_DEBUG: 'gctrace=0, verifyheap=0' };
let browser;
before(async () => {
  greyhound('lab', '--quick', '--reps', '1', '--only', 'X1,X3', '--go', 'off', '--html', file);
  execFileSync(command, ['lab', '--quick', '--reps', '2', '--only', 'X11,X12', '--go', 'off', '--html', untimed], { env: { ...process.env, ...settings }, stdio: 'ignore' });
  browser = await launch();
});
after(() => browser.close());

// With every section built.
async function opened(options, of = file) {
  const page = await open(browser, of, options);
  await page.click('nav.contents a >> nth=0');
  return page;
}
const textOf = (page, selector) => page.locator(selector).innerText();

test('is one file below a megabyte and opens without asking anybody', async () => {
  assert.ok(statSync(file).size < 1_000_000, `${statSync(file).size} bytes`);
  const page = await open(browser, file);
  const loaded = await page.evaluate(() => performance.getEntriesByType('navigation')[0].loadEventEnd);
  assert.ok(loaded > 0);
  console.log(`# loaded after ${Math.round(loaded)} ms`);
  assert.equal(await textOf(page, 'h1'), 'What garbage collection hides');
  expectQuiet(page);
});

test('names the machine and the command that makes it again', async () => {
  const page = await opened();
  const text = await textOf(page, '#introduction');
  assert.match(text, /cores, Linux/);
  assert.match(text, /bin\/greyhound lab --only X1,X3 --quick --reps 1 --go off --html/);
});

test('the lines of each column of the ledger add up to its total', async () => {
  const page = await opened();
  const columns = await page.evaluate(() => {
    const numbers = (row) => [...document.querySelectorAll(`#ledger tr[data-line="${row}"] td`)].map((cell) => Number(cell.dataset.ns ?? 0));
    return { lines: ['mutator', 'boxing', 'malloc', 'assist', 'barrier', 'rest'].map(numbers), total: numbers('total') };
  });
  assert.ok(columns.total.length >= 2);
  columns.total.forEach((total, i) => {
    assert.ok(total > 0);
    const sum = columns.lines.reduce((all, line) => all + line[i], 0);
    assert.ok(Math.abs(sum - total) < 1e-6, `${sum} is not ${total}`);
  });
  assert.match(await textOf(page, '#ledger'), /No columns of Go/);
});

test('each experiment has a verdict, a chart and a table', async () => {
  const page = await opened();
  assert.equal(await page.locator('#experiments .card').count(), 2);
  await page.click('#experiments button');
  for (const id of ['X1', 'X3']) {
    const card = page.locator(`#experiment-${id}`);
    assert.ok(await card.locator('canvas').isVisible());
    assert.ok(await card.locator('table tbody tr').count() > 2);
    assert.match(await card.locator('.badge').innerText(), /as expected/);
  }
});

test('a cycle is stepped, replayed and scrubbed', async () => {
  const page = await opened();
  await page.click('#heap button[title="To the start"]');
  const steps = Number((await textOf(page, '#heap .position')).split('/')[1]);
  assert.ok(steps > 30);
  const first = await textOf(page, '#heap .event');
  await page.click('#heap button[title="One event on"]');
  assert.notEqual(await textOf(page, '#heap .event'), first);
  await page.click('#heap button[title="One event back"]');
  assert.equal(await textOf(page, '#heap .event'), first);
  // Every phase comes, and in the end nothing is grey.
  const phases = new Set();
  for (let i = 0; i < steps; i++) {
    phases.add(await textOf(page, '#heap .phases [aria-current]'));
    await page.click('#heap button[title="One event on"]');
  }
  assert.equal(phases.size, 8);
  assert.equal(await page.locator('#heap .cell.grey').count(), 0);
  await page.locator('#heap input[type=range]').fill('20');
  assert.ok(await page.locator('#heap .cell.grey').count() > 0);
  assert.ok(await page.locator('#heap .cell.black').count() > 0);
  await page.selectOption('#heap select', 'fast');
  await page.click('#heap button.play');
  await page.waitForFunction((end) => document.querySelector('#heap .position').textContent.startsWith(`${end} `), steps, { timeout: 30_000 });
});

test('the heap is used by keys: an object is selected and its references are told', async () => {
  const page = await opened();
  await page.focus('#heap .heap');
  await page.keyboard.press('Home');
  assert.match(await textOf(page, '#heap .about-object'), /refers to/);
  assert.ok(await page.locator('#heap .edge').count() > 0);
  const one = await page.locator('#heap [aria-selected=true]').getAttribute('id');
  await page.keyboard.press('ArrowRight');
  assert.notEqual(await page.locator('#heap [aria-selected=true]').getAttribute('id'), one);
  // And the player's own keys.
  await page.focus('#heap button.play');
  const before = await textOf(page, '#heap .position');
  await page.keyboard.press('ArrowRight');
  assert.notEqual(await textOf(page, '#heap .position'), before);
});

test('with the barrier nothing is lost; broken, checkmark finds the lost object and the sweep frees it', async () => {
  const page = await opened();
  const end = '#barrier button[title="To the end"]';
  await page.click(end);
  assert.match(await textOf(page, '#barrier div.lost'), /everything reachable is marked/);
  await page.click('#barrier .break');
  assert.equal(await page.locator('#barrier .break').getAttribute('aria-pressed'), 'true');
  await page.click(end);
  assert.match(await textOf(page, '#barrier div.lost'), /Lost: #\d+ prize/);
  assert.match(await textOf(page, '#barrier div.lost'), /reads 0xdeadbeef/);
  assert.match(await page.locator('#barrier .graph').getAttribute('aria-label'), /Lost: prize/);
  assert.match(await textOf(page, '#barrier .mutators'), /broken/);
  await page.click('#barrier .break');
  await page.click(end);
  assert.doesNotMatch(await textOf(page, '#barrier div.lost'), /Lost/);
});

test('a map grows: old buckets, the cursor, overflow, and reads that move nothing', async () => {
  const page = await opened();
  await page.click('#map button[title="To the start"]');
  const steps = Number((await textOf(page, '#map .position')).split('/')[1]);
  let grew = false, overflow = false, cursor = false, read = false;
  for (let i = 0; i < steps; i++) {
    await page.click('#map button[title="One event on"]');
    const seen = await page.evaluate(() => ({
      event: document.querySelector('#map .event').textContent,
      tables: document.querySelectorAll('#map .table').length,
      cursor: document.querySelectorAll('#map .bucket.cursor').length,
      overflow: document.querySelectorAll('#map .to-overflow').length,
    }));
    grew ||= seen.tables === 2;
    cursor ||= seen.cursor === 1;
    overflow ||= seen.overflow > 0;
    read ||= /0 bucket\(s\) evacuated, nothing allocated/.test(seen.event);
  }
  assert.deepEqual({ grew, cursor, overflow, read }, { grew: true, cursor: true, overflow: true, read: true });
  assert.match(await textOf(page, '#map .hmap-header'), /count\s+57/);
});

test('the timeline has a lane for each thread, and its spans can be read', async () => {
  const page = await opened();
  const lanes = await page.locator('#timeline .lane-name').allTextContents();
  assert.ok(lanes.some((name) => /writer 1/.test(name)) && lanes.some((name) => /writer 2/.test(name)), lanes.join());
  await page.focus('#timeline svg.timeline');
  await page.keyboard.press('ArrowRight');
  assert.match(await textOf(page, '#timeline .event'), /(µs|ms), from/);
  await page.click('#timeline button[aria-label="Zoom in"]');
});

test('the flame graph is there: searched, and its chain is found', async () => {
  const page = await opened();
  assert.ok(await page.locator('#flame svg, #flame canvas').count() > 0);
  assert.match(await textOf(page, '#flame'), /Boxing|boxing/);
  const search = page.locator('#flame input[type=search]').first();
  await search.fill('convT64');
  await search.press('Enter');
  assert.match(await textOf(page, '#flame'), /convT64/);
  await page.click('#flame button:has-text("Allocations")');
  assert.match(await textOf(page, '#flame'), /mallocgc/);
  expectQuiet(page);
});

for (const [name, options] of [['wide', {}], ['a phone', { viewport: { width: 390, height: 844 } }], ['dark', { colorScheme: 'dark' }], ['with reduced motion', { reducedMotion: 'reduce' }]]) {
  test(`axe has nothing serious to say, nothing overflows: ${name}`, async () => {
    const page = await opened(options);
    await page.click('#barrier .break');
    await page.click('#experiments button');
    await expectAccessible(page);
    const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(content <= window, `${content} > ${window}`);
    expectQuiet(page);
  });
}

const dataOf = (page, id) => page.evaluate((name) => JSON.parse(document.getElementById(name).textContent), id);

test('the three costs are what the ledger and X3 measured', async () => {
  const page = await opened();
  const [boxing, escape, marking] = await page.locator('.costs .figure').allInnerTexts();
  const { columns } = await dataOf(page, 'ledger-data');
  const [unboxed, boxed] = ['unboxed', 'boxed'].map((name) => columns.find((column) => column.who === 'Greyhound' && column.name === name));
  const number = (text) => Number(/[\d.]+/.exec(text)[0]);
  assert.ok(Math.abs(number(boxing) - (boxed.total.median - unboxed.total.median)) < 0.06, boxing);
  assert.match(boxing, /1 allocation a write/);
  const report = await dataOf(page, 'report-data');
  const ok = report.experiments.find(({ id }) => id === 'X3').arms.find(({ name }) => name === '&ok');
  assert.equal(escape, `${ok.allocs_per_op.toFixed(0)} allocation, ${Number(ok.bytes_per_op.toFixed(1))} B a lookup`);
  assert.match(escape, /^1 allocation, 1 B/);
  assert.ok(Math.abs(number(marking) - boxed.marking_ns) < 0.06, marking);
});

test('the flame graphs are of the loops that the ledger times', async () => {
  const page = await opened();
  const [cpu, allocations] = await dataOf(page, 'profiles-data');
  // Of the read loop nothing was allocated, and it has samples under a map read.
  const text = JSON.stringify(allocations);
  assert.doesNotMatch(text, /read_boxed/);
  assert.match(text, /write_boxed/);
  assert.match(JSON.stringify(cpu), /mapaccess2_fast64/);
  await page.click('#flame button:has-text("CPU time")');
  const verdict = await textOf(page, '#flame .flame-reads');
  const [, all, under] = /of ([\d,\u2009 ]+) samples, ([\d,\u2009 ]+) stand under a map read, and 0 of those/.exec(verdict).map((part) => Number(part.replace(/[^\d]/g, '')));
  assert.ok(under > 0 && under < all, verdict);
});

// A card's table: { heads, rows }, a row by its arm's name, cells by their heads.
function tableOf(page, id) {
  return page.evaluate((card) => {
    const cells = (row) => [...row.cells].map((cell) => cell.textContent);
    const [head, ...body] = [...document.querySelectorAll(`#${card} table tr`)];
    const heads = cells(head);
    return { heads, rows: Object.fromEntries(body.map((row) => [row.cells[0].firstChild.textContent, Object.fromEntries(cells(row).map((cell, i) => [heads[i], cell]))])) };
  }, `experiment-${id}`);
}
const chartsOf = (page, id) => page.locator(`#experiment-${id} .chart`).evaluateAll((charts) => charts.map((chart) => chart.getAttribute('aria-label')));
const reported = async (page, id) => (await dataOf(page, 'report-data')).experiments.find((one) => one.id === id);

test('X12 shows the calls that its verdict rests on, and neither times nor allocations of what was only read', async () => {
  const page = await opened({}, untimed);
  await page.click('#experiments button');
  const x12 = await reported(page, 'X12');
  const { heads, rows } = await tableOf(page, 'X12');
  assert.deepEqual(heads, ['arm', 'allocating calls', 'Go allocating calls', 'by pointer']);
  for (const arm of x12.arms) {
    assert.equal(rows[arm.name]['allocating calls'], String(arm.alloc_calls));
    assert.equal(rows[arm.name]['by pointer'], String(arm.pointer_calls));
    for (const figure of ['allocs_per_op', 'bytes_per_op', 'gc_cycles', 'objects_greyed', 'mark_cpu_ms']) assert.equal(arm[figure], null, `${arm.name}: ${figure}`);
  }
  assert.ok(Number(rows.mapassign_fast64['allocating calls']) > 0);
  assert.equal(rows.mapassign_fast64['Go allocating calls'], '5');
  const charts = await chartsOf(page, 'X12');
  assert.equal(charts.length, 2);
  assert.match(charts[0], /allocating calls: .*mapassign_fast64 [1-9]/);
  assert.match(charts[1], /calls by pointer: .*mapaccess1 [1-9]/);
  expectQuiet(page);
});

test('X11 shows the shares that its verdict rests on, and no times', async () => {
  const page = await opened({}, untimed);
  await page.click('#experiments button');
  const x11 = await reported(page, 'X11');
  const { heads, rows } = await tableOf(page, 'X11');
  assert.deepEqual(heads.slice(1, 7), ['objects/op', 'runtime leaf', 'labels', 'mark bg.', 'mark assist', 'mark map']);
  assert.ok(!heads.some((head) => /ns|ms/.test(head)), heads.join());
  const { 'objects/op': objects, 'runtime leaf': leaf, labels } = rows['allocated, rate 1'];
  assert.deepEqual([objects, leaf, labels], ['1', '100 %', '100 %']);
  assert.equal(rows['runtime hidden']['runtime leaf'], '0 %');
  const cpu = x11.arms.find((arm) => arm.name === 'CPU, writes too').profile;
  assert.equal(rows['CPU, writes too']['mark bg.'], `${(100 * cpu.mark_in_background).toFixed(0)} %`);
  assert.equal(rows['CPU, writes too']['mark map'], '0 %');
  for (const name of ['CPU, reads', 'CPU, writes too']) assert.equal(rows[name]['objects/op'], '', 'a CPU profile counts no objects');
  const charts = await chartsOf(page, 'X11');
  for (const unit of ['objects in the profile', 'runtime leaf: % of the objects', 'mark bg.: % of CPU time', 'mark assist: % of CPU time']) {
    assert.ok(charts.some((chart) => chart.includes(unit)), `${unit}: ${charts.join(' | ')}`);
  }
  assert.ok(!charts.some((chart) => /ns per operation/.test(chart)));
  const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(content <= window, `${content} > ${window}`);
  await expectAccessible(page);
});

test('each command makes again what it stands below, with the settings of the run', async () => {
  const page = await opened({}, untimed);
  const prefix = "GREYHOUND_GC=200 GREYHOUND_DEBUG='gctrace=0, verifyheap=0' ";
  const about = await dataOf(page, 'about-data');
  assert.equal(about.command, `${prefix}${about.program} lab --only X11,X12 --quick --reps 2 --go off --html ${untimed}`);
  for (const section of ['ledger', 'timeline', 'flame']) assert.equal(await textOf(page, `#${section} .again code`), about.command, section);
  await page.click('#experiments button');
  const commands = await page.locator('#experiment-X12 code').allInnerTexts();
  assert.equal(commands.at(-1), `${prefix}${about.program} lab --quick --reps 2 --go off --only X12`);
  assert.ok(commands.includes(`${about.program} callsites mapassign_fast64`), commands.join());
  assert.ok(commands.includes(`${about.program} callsites FUNCTION [--binary FILE]`), commands.join());
});

test('settings of the environment are said, where there are any', async () => {
  const settingsOf = (page) => page.locator('.machine dt:has-text("setting") + dd').allInnerTexts();
  assert.deepEqual((await settingsOf(await opened({}, untimed))).sort(),
    Object.entries(settings).sort().map(([name, value]) => `${name}=${value}; the figures are those of this setting`));
  assert.deepEqual(await settingsOf(await opened()), []);
});

test('the printer unfolds every card, also of what was not built; the screen and a reload have them as before', async () => {
  const page = await open(browser, file, { viewport: { width: 1280, height: 300 } });
  const folded = () => page.locator('#experiments details.card').evaluateAll((cards) => cards.map((card) => card.open));
  const told = (type) => page.evaluate((name) => { dispatchEvent(new Event(name)); }, type);
  assert.deepEqual(await folded(), [], 'not built yet');
  await told('beforeprint');
  assert.deepEqual(await folded(), [true, true]);
  assert.ok(await page.locator('#experiment-X3 canvas').count() > 0);
  await page.waitForTimeout(300);
  await page.reload();
  await page.click('nav.contents a >> nth=0');
  assert.deepEqual(await folded(), [true, false], 'a reload while it prints');
  await told('beforeprint');
  await told('afterprint');
  await page.waitForTimeout(300);
  assert.deepEqual(await folded(), [true, false], 'afterwards');
  await page.click('#experiment-X3 summary');
  await page.waitForTimeout(300);
  await page.reload();
  await page.click('nav.contents a >> nth=0');
  assert.deepEqual(await folded(), [true, true], 'what the reader unfolds is kept');
});

test('a link to an experiment unfolds it and ends there; reload and Back keep the place', async () => {
  const page = await open(browser, file, { viewport: { width: 1000, height: 700 } });
  const topOf = (selector) => page.locator(selector).evaluate((element) => element.getBoundingClientRect().top);
  const isRead = async (selector) => { const top = await topOf(selector); return top >= -1 && top < 350; };
  await page.click('.costs a:has-text("X3")');
  await page.waitForFunction(() => document.querySelector('#experiment-X3').open);
  await page.waitForTimeout(300);
  assert.ok(await isRead('#experiment-X3'), `X3 is at ${await topOf('#experiment-X3')}`);
  assert.ok(await page.locator('#experiment-X3 canvas').isVisible());
  await page.click('nav.contents a:has-text("Map")');
  await page.waitForTimeout(300);
  assert.ok(await isRead('#map'), `the map is at ${await topOf('#map')}`);
  await page.goBack();
  await page.waitForTimeout(300);
  assert.ok(await isRead('#experiment-X3'), `Back: X3 is at ${await topOf('#experiment-X3')}`);
  await page.goForward();
  await page.waitForTimeout(300);
  assert.ok(await isRead('#map'), `Forward: the map is at ${await topOf('#map')}`);
  await page.reload();
  await page.waitForTimeout(300);
  assert.ok(await isRead('#map'), `reload: the map is at ${await topOf('#map')}`);
  assert.ok(await page.locator('#experiment-X3').evaluate((element) => element.open), 'X3 is still unfolded');
  expectQuiet(page);
});

test('a page opened at an experiment shows it unfolded', async () => {
  const page = await open(browser, `${pathToFileURL(file).href}#experiment-X3`);
  await page.waitForTimeout(300);
  assert.ok(await page.locator('#experiment-X3').evaluate((element) => element.open && element.getBoundingClientRect().top < 350));
});

test('on a phone every object of the graph is on the screen, in letters that can be read', async () => {
  const page = await opened({ viewport: { width: 390, height: 844 } });
  const seen = await page.evaluate(() => [...document.querySelectorAll('#barrier .graph .node, #barrier .graph text')].map((part) => {
    const box = part.getBoundingClientRect();
    return { left: box.left, right: box.right, height: part.matches('text') ? box.height : 99, text: part.textContent };
  }));
  assert.ok(seen.length > 10);
  for (const part of seen) assert.ok(part.left >= 0 && part.right <= 390 && part.height >= 11, JSON.stringify(part));
});

test('printed, cells keep their colours', async () => {
  const page = await opened();
  await page.emulateMedia({ media: 'print' });
  const cell = page.locator('#heap .cell.black').first();
  assert.equal(await cell.evaluate((element) => getComputedStyle(element).printColorAdjust ?? getComputedStyle(element).webkitPrintColorAdjust), 'exact');
});

test('a file that cannot be written is said before anything runs', () => {
  const result = tryGreyhound('lab', '--only', 'X1', '--html', '/nonexistent/lab.html');
  assert.equal(result.status, 2);
  assert.match(result.stderr, /\/nonexistent\/lab.html: cannot be written/);
  assert.equal(result.stdout, '');
});

test('a page that is there stays when a new one is refused', () => {
  const before = readFileSync(file, 'utf8');
  assert.equal(tryGreyhound('lab', '--only', 'X99', '--html', file).status, 2);
  assert.equal(readFileSync(file, 'utf8'), before);
});
