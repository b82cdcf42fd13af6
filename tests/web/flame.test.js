// SPDX-License-Identifier: MIT
// The page of `greyhound pprof --html`, as a reader uses it: with a mouse, with a keyboard, and by ear.
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { expectAccessible, expectQuiet, fileIn, greyhound, launch, open } from './harness.js';
import { writeProfile } from './profile.js';

const TYPES = [['samples', 'count'], ['cpu', 'nanoseconds']];
const MS = 1000000;
const sample = (stack, count, arm) => ({ stack, values: [count, count * 10 * MS], labels: arm ? { arm } : {} });

const BOXED = 'main;run;write;runtime.mapassign_faststr;runtime.convT2E;runtime.mallocgc';
const ASSIST = 'main;run;write;runtime.mallocgc;runtime.gcAssistAlloc;runtime.gcDrainN;runtime.scanobject;runtime.greyobject';
const BACKGROUND = 'runtime.gcBgMarkWorker;runtime.gcDrain;runtime.scanobject;runtime.greyobject';
const READ = 'main;run;read;runtime.mapaccess2_faststr';
const samples = [
  sample(BOXED, 30, 'write'), sample(ASSIST, 10, 'write'), sample(BACKGROUND, 20), sample(READ, 25, 'read'),
  sample('main;run;write;runtime.mapassign_faststr;runtime.growWork_faststr;runtime.evacuate_faststr', 8, 'write'),
  sample('main;run;write;runtime.gcWriteBarrier', 5, 'write'), sample('main;run', 2),
];

let browser;
before(async () => { browser = await launch(); });
after(async () => { await browser.close(); });

// The page of these samples, or of two lists of them.
async function openPage(name, lists, args = [], options = {}) {
  const files = lists.map((list, at) => writeProfile(fileIn(`${name}${at}.pb.gz`), TYPES, list));
  greyhound('pprof', ...files, '--html', fileIn(`${name}.html`), ...args);
  const page = await open(browser, fileIn(`${name}.html`), options);
  await page.waitForSelector('g.frame');
  await settled(page);
  return page;
}

// d3 writes labels and widths after its transition.
async function settled(page) {
  await page.waitForFunction(() => {
    const widths = [...document.querySelectorAll('g.frame')].map((g) => Math.abs(Number(g.getAttribute('width')) - Number(g.querySelector('rect').getAttribute('width'))));
    return widths.length > 0 && widths.every((difference) => difference < 0.5);
  });
}

const frame = (page, name) => page.locator(`g.frame[aria-label^="${name};"]`);
const details = (page) => page.getByTestId('details');
const column = (page, at) => page.locator(`.flame-functions tbody tr > :nth-child(${at})`).allTextContents();
const current = (page) => page.evaluate(() => document.getElementById(document.querySelector('svg[role=tree]').getAttribute('aria-activedescendant'))?.getAttribute('aria-label').split(';')[0]);

async function close(page) {
  expectQuiet(page);
  await page.context().close();
}

test('a file opens without a network, and is smaller than a megabyte', async () => {
  const page = await openPage('open', [samples]);
  assert.ok(statSync(fileIn('open.html')).size < 1e6);
  assert.equal(await page.locator('h1').textContent(), 'Flame graph');
  const loaded = await page.evaluate(() => performance.getEntriesByType('navigation')[0].loadEventEnd);
  assert.ok(loaded > 0);
  console.log(`# loaded after ${Math.round(loaded)} ms`);
  assert.match(readFileSync(fileIn('open.html'), 'utf8'), /connect-src 'none'/);
  await close(page);
});

test('the legend tells what each kind has, by mark and pattern beside colour', async () => {
  const page = await openPage('legend', [samples]);
  const row = (kind) => page.locator(`.flame-legend tr[data-kind="${kind}"] td`).allTextContents();
  assert.deepEqual(await row('boxing'), ['30 %', '0 %']);
  assert.deepEqual(await row('malloc'), ['40 %', '30 %']);
  assert.deepEqual(await row('assist'), ['10 %', '0 %']);
  assert.deepEqual(await row('mark'), ['30 %', '30 %']);
  assert.deepEqual(await row('barrier'), ['5 %', '5 %']);
  assert.deepEqual(await row('evacuate'), ['8 %', '8 %']);
  assert.deepEqual(await row('user'), ['–', '27 %']);
  const convT = frame(page, 'runtime.convT2E');
  assert.match(await convT.locator('rect').getAttribute('fill'), /-boxing\)$/);
  assert.equal(await convT.locator('.d3-flame-graph-label').textContent(), '■ runtime.convT2E');
  const tiles = await page.evaluate(() => [...document.querySelectorAll('pattern')].map((tile) => tile.innerHTML));
  const [, ...marked] = tiles.slice(0, 8);
  assert.equal(new Set(marked.map((tile) => tile.replace(/var\(--fill-[a-z]+\)/, ''))).size, 7, 'each kind has a pattern of its own');
  await page.locator('.flame-legend button[data-kind=mark]').click();
  assert.equal(await page.locator('.flame-legend button[data-kind=mark]').getAttribute('aria-pressed'), 'true');
  assert.equal(await frame(page, 'main').getAttribute('class'), 'frame dim');
  assert.doesNotMatch(await page.locator('g.frame[aria-label^="runtime.greyobject;"]').first().getAttribute('class'), /dim/);
  await close(page);
});

test('the chains of the document are found, and shown on request', async () => {
  const page = await openPage('chains', [samples]);
  const chain = (id) => page.locator(`[data-chain="${id}"]`);
  assert.match(await chain('boxing').textContent(), /30 % · 300 ms/);
  assert.match(await chain('assist').textContent(), /10 % · 100 ms/);
  assert.match(await chain('background').textContent(), /20 % · 200 ms/);
  assert.match(await chain('evacuate').textContent(), /8 % · 80.0 ms/);
  await chain('assist').getByRole('button').click();
  const outlined = await page.locator('g.frame.outline').evaluateAll((frames) => frames.map((g) => g.getAttribute('aria-label').split(';')[0]));
  assert.deepEqual(outlined.sort(), ['runtime.gcAssistAlloc', 'runtime.gcDrainN', 'runtime.greyobject', 'runtime.mallocgc', 'runtime.scanobject']);
  assert.match(await details(page).textContent(), /runtime\.greyobject/);
  await chain('assist').getByRole('button').click();
  assert.equal(await page.locator('g.frame.outline').count(), 0);
  await close(page);
});

test('marking never stands under mapaccess, and what would contradict that is counted', async () => {
  const page = await openPage('reads', [samples]);
  const text = await page.locator('.flame-reads').textContent();
  assert.match(text, /Marking never stands under mapaccess/);
  assert.match(text, /begin below mallocgc/);
  assert.match(text, /of 100 samples, 25 stand under a map read, and 0 of those have marking below it/);
  await close(page);
  const contrary = await openPage('contrary', [[...samples, sample(`${READ};runtime.gcDrain`, 3)]]);
  assert.match(await contrary.locator('.flame-reads').textContent(), /of 103 samples, 28 stand under a map read, and 3 of those .* contradicts/);
  assert.equal(await contrary.locator('.flame-reads .warn').count(), 1);
  await close(contrary);
});

test('--highlight pins what it matches, and the page can change it', async () => {
  const page = await openPage('pinned', [samples], ['--highlight', 'convT|greyobject$']);
  assert.match(await frame(page, 'runtime.convT2E').getAttribute('class'), /outline/);
  assert.equal(await frame(page, 'runtime.convT2E').locator('.d3-flame-graph-label').textContent(), '★■ runtime.convT2E');
  assert.match(await page.locator('tr[data-kind=highlight]').textContent(), /60 %/);
  await page.getByLabel('Highlight').fill('mapaccess');
  assert.match(await page.locator('tr[data-kind=highlight]').textContent(), /25 %/);
  assert.doesNotMatch(await frame(page, 'runtime.convT2E').getAttribute('class'), /outline/);
  await page.getByLabel('Highlight').fill('');
  assert.equal(await page.locator('tr[data-kind=highlight]').count(), 0);
  await close(page);
});

test('search says how much it matched, and Enter goes to the widest match', async () => {
  const page = await openPage('search', [samples]);
  await page.keyboard.press('/');
  assert.equal(await page.evaluate(() => document.activeElement.type), 'search');
  await page.keyboard.type('SCANOBJECT');
  assert.equal(await page.locator('.flame-result').textContent(), '30 % matched · 300 ms · 1 function');
  assert.equal(await page.locator('g.frame.outline').count(), 2);
  assert.match(await frame(page, 'main').getAttribute('class'), /dim/);
  await page.keyboard.press('Enter');
  assert.equal(await current(page), 'runtime.scanobject');
  assert.match(await page.locator('[role=status].visually-hidden').textContent(), /runtime\.scanobject; mark; total 200 ms, 20 %/);
  await page.getByLabel('Search').fill('no such thing(');
  assert.equal(await page.locator('.flame-result').textContent(), 'no match');
  await close(page);
});

test('a click zooms; the path and Reset lead back', async () => {
  const page = await openPage('zoom', [samples]);
  await frame(page, 'runtime.mapassign_faststr').click();
  await settled(page);
  assert.equal(await page.locator('.flame-path [aria-current]').textContent(), 'runtime.mapassign_faststr');
  assert.equal(await frame(page, 'read').count(), 0);
  const whole = await page.locator('.flame-surface').evaluate((element) => element.clientWidth);
  assert.ok(Math.abs(Number(await frame(page, 'runtime.mapassign_faststr').getAttribute('width')) - whole) < 1);
  await page.locator('.flame-path').getByRole('button', { name: 'run', exact: true }).click();
  await settled(page);
  assert.equal(await page.locator('.flame-path [aria-current]').textContent(), 'run');
  await page.getByRole('button', { name: 'Reset zoom' }).click();
  await settled(page);
  assert.equal(await frame(page, 'read').count(), 1);
  await close(page);
});

test('the keyboard reaches every frame, zooms and resets, and each step is said', async () => {
  const page = await openPage('keys', [samples]);
  for (let i = 0; i < 30 && !(await page.evaluate(() => document.activeElement.getAttribute('role') === 'tree')); i++) await page.keyboard.press('Tab');
  assert.equal(await current(page), 'all');
  const walk = [];
  for (const key of ['ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowRight', 'ArrowLeft', 'ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowUp']) {
    await page.keyboard.press(key);
    walk.push(await current(page));
  }
  assert.deepEqual(walk, ['main', 'run', 'write', 'read', 'write', 'runtime.mapassign_faststr', 'runtime.convT2E', 'runtime.mallocgc', 'runtime.convT2E']);
  assert.match(await page.locator('[role=status].visually-hidden').textContent(), /^runtime\.convT2E; boxing; total 300 ms, 30 %/);
  await page.keyboard.press('Enter');
  await settled(page);
  assert.equal(await page.locator('.flame-path [aria-current]').textContent(), 'runtime.convT2E');
  await page.keyboard.press('Backspace');
  await settled(page);
  assert.equal(await page.locator('.flame-path [aria-current]').textContent(), 'runtime.mapassign_faststr');
  await page.keyboard.press('Escape');
  await settled(page);
  assert.equal(await page.locator('.flame-path [aria-current]').textContent(), 'all');
  await page.keyboard.press('End');
  assert.equal(await current(page), 'runtime.mallocgc');
  await close(page);
});

test('a tag leaves only the samples that carry it; --tag begins with it', async () => {
  const page = await openPage('tags', [samples]);
  const tag = page.getByLabel('arm');
  assert.deepEqual(await tag.locator('option').allTextContents(), ['any', 'write – 53 %', 'read – 25 %']);
  await tag.selectOption('=read');
  await settled(page);
  assert.equal(await frame(page, 'write').count(), 0);
  assert.match(await details(page).textContent(), /250 ms · 100 %/);
  await close(page);
  const begun = await openPage('tag', [samples], ['--tag', 'arm=write']);
  assert.equal(await begun.getByLabel('arm').inputValue(), '=write');
  assert.match(await details(begun).textContent(), /530 ms · 100 %/);
  await begun.getByLabel('arm').selectOption('any');
  assert.match(await details(begun).textContent(), /1\.00 s · 100 %/);
  await close(begun);
});

test('tags that nothing carries leave a sentence', async () => {
  const file = writeProfile(fileIn('none.pb.gz'), TYPES, samples);
  greyhound('pprof', file, '--html', fileIn('none.html'), '--tag', 'arm=other');
  const page = await open(browser, fileIn('none.html'));
  assert.match(await page.locator('.flame-empty').textContent(), /No samples/);
  assert.equal(await page.locator('g.frame').first().isVisible(), false);
  await page.getByLabel('arm').selectOption('any');
  assert.equal(await frame(page, 'main').isVisible(), true);
  await close(page);
});

test('the sample type is chosen on the page', async () => {
  const page = await openPage('types', [samples], ['--sample-type', 'samples']);
  assert.match(await details(page).textContent(), /100 · 100 %/);
  await page.getByLabel('Show', { exact: true }).selectOption({ label: 'cpu (nanoseconds)' });
  assert.match(await details(page).textContent(), /1\.00 s · 100 %/);
  await close(page);
});

test('the table of functions sorts by any column, with the keyboard too, and leads to the graph', async () => {
  const page = await openPage('table', [samples]);
  assert.deepEqual((await column(page, 1)).slice(0, 3), ['runtime.mallocgc', 'runtime.greyobject', 'runtime.mapaccess2_faststr']);
  const header = (name) => page.getByRole('columnheader', { name }).first();
  assert.equal(await header('Self').getAttribute('aria-sort'), 'descending');
  await header('Total').getByRole('button').focus();
  await page.keyboard.press('Enter');
  assert.deepEqual((await column(page, 5)).slice(0, 3), ['800 ms', '800 ms', '530 ms']);
  await page.keyboard.press('Enter');
  assert.equal(await header('Total').getAttribute('aria-sort'), 'ascending');
  await page.getByRole('columnheader', { name: 'Function' }).getByRole('button').click();
  const names = await column(page, 1);
  assert.deepEqual(names, [...names].sort((a, b) => a.localeCompare(b)));
  await page.getByRole('button', { name: 'runtime.convT2E' }).click();
  assert.equal(await current(page), 'runtime.convT2E');
  await close(page);
});

const changed = [
  sample('main;run;write;runtime.mapassign_faststr', 10, 'write'), sample(BACKGROUND, 5), sample(READ, 25, 'read'),
  sample('main;run;write;parse', 10, 'write'),
];

test('a difference has self and total changes, what is new, and what vanished', async () => {
  const page = await openPage('difference', [samples, changed]);
  assert.equal(await page.locator('h1').textContent(), 'What changed');
  assert.match(await details(page).textContent(), /total 500 ms.*before 1\.00 s.*total change −500 ms \(−50 %\)/);
  const fills = await page.locator('g.frame').evaluateAll((frames) => Object.fromEntries(frames.map((g) => [g.getAttribute('aria-label').split(';')[0], g.querySelector('rect').getAttribute('fill')])));
  assert.match(fills.parse, /-fresh\)$/);
  assert.match(fills['runtime.mapaccess2_faststr'], /-same\)$/);
  assert.match(fills['runtime.gcBgMarkWorker'], /-shrank3\)$/);
  assert.match(await frame(page, 'runtime.mapassign_faststr').getAttribute('aria-label'), /less, total −280 ms, self \+100 ms/);
  assert.equal(await frame(page, 'parse').locator('.d3-flame-graph-label').textContent(), '✚ parse');
  const gone = await page.locator('.flame-vanished tbody tr').allTextContents();
  assert.equal(gone.length, 4);
  assert.match(gone[0], /write › runtime\.mapassign_faststr › runtime\.convT2E■ boxing300 ms30 %/);
  assert.match(await page.locator('.flame-vanished').textContent(), /530 ms, 53 % of before/);
  const row = page.locator('.flame-functions tbody tr', { hasText: 'runtime.mallocgc' });
  assert.deepEqual((await row.locator('td').allTextContents()).slice(1), ['0 ns', '0 ns', '−300 ms', '−400 ms']);
  await page.getByLabel('Colour by').selectOption('kind');
  assert.match(await frame(page, 'runtime.gcBgMarkWorker').locator('rect').getAttribute('fill'), /-mark\)$/);
  await close(page);
});

test('shares of all are compared on request', async () => {
  const page = await openPage('normalised', [samples, changed]);
  await page.getByLabel('Compare').selectOption('share');
  await settled(page);
  assert.match(await details(page).textContent(), /before 500 ms.*total change ±0/);
  assert.match(await frame(page, 'runtime.mapaccess2_faststr').getAttribute('aria-label'), /more, total \+125 ms/);
  await close(page);
});

test('the outermost calls of a thread are one frame until they are asked for', async () => {
  const page = await openPage('stem', [samples.map(({ stack, ...rest }) => ({ ...rest, stack: stack.startsWith('main') ? `start;libc;cli;${stack}` : stack }))]);
  assert.equal(await frame(page, '4 calls, start to main').count(), 1);
  assert.equal(await frame(page, 'runtime.gcBgMarkWorker').count(), 1, 'another thread keeps its own');
  await page.getByLabel('Search').fill('libc');
  assert.match(await page.locator('.flame-result').textContent(), /80 % matched/);
  await page.getByLabel('show the 4 outermost calls').check();
  assert.equal(await frame(page, 'libc').count(), 1);
  await close(page);
});

test('begun at the first runtime frame, what different callers had of it comes together', async () => {
  const other = [...samples, sample('main;elsewhere;runtime.convT2E;runtime.mallocgc', 20)];
  const page = await openPage('from', [other, samples]);
  assert.match(await frame(page, 'runtime.convT2E').getAttribute('aria-label'), /as before/);
  await page.getByLabel('Begin at').selectOption('runtime');
  await settled(page);
  assert.equal(await frame(page, 'main').count(), 0);
  assert.match(await details(page).textContent(), /all.*total 1\.00 s.*self 20\.0 ms/, 'what is not in the runtime at all');
  assert.match(await frame(page, 'runtime.gcDrain').getAttribute('aria-label'), /mark; total 200 ms/);
  const gone = await page.locator('.flame-vanished tbody tr').allTextContents();
  assert.match(gone[0], /^runtime\.convT2E■ boxing200 ms/);
  await close(page);
});

test('names from a profile are text, not HTML', async () => {
  const evil = '</script><img src=x onerror="document.title=1"><!--';
  const page = await openPage('evil', [[sample(`main;${evil}`, 5, evil), sample('main', 1)]]);
  assert.equal(await page.title(), 'evil0.pb.gz – flame graph');
  assert.equal(await page.locator('img').count(), 0);
  assert.equal(await page.locator(`.flame-functions tbody tr`).count(), 2);
  await close(page);
});

// Beside each a stack of its own, so that the deep one is no stem.
const deep = (calls) => [sample(`main;${'rec;'.repeat(calls)}leaf`, 10), sample('main;other', 30)];

for (const calls of [3000, 5000, 40000]) {
  test(`a stack of ${calls} calls is drawn in parts, and counted whole`, async () => {
    const page = await openPage(`deep${calls}`, [deep(calls)]);
    const note = page.getByTestId('cut');
    assert.match(await note.textContent(), /more than 250 levels/);
    assert.ok(await note.isVisible());
    const self = Object.fromEntries(await page.locator('.flame-functions tbody tr').evaluateAll((rows) => rows.map((row) => [row.children[0].textContent, row.children[2].textContent])));
    assert.deepEqual(self, { leaf: '100 ms', main: '0 ns', other: '300 ms', rec: '0 ns' });
    assert.deepEqual((await page.locator('.flame-functions tbody tr', { hasText: 'rec' }).locator('td').allTextContents()).slice(3), ['100 ms', '25 %']);
    assert.equal(await frame(page, 'leaf').count(), 0);
    await page.getByLabel('Search').fill('leaf');
    assert.match(await page.locator('.flame-result').textContent(), /^25 % matched · 100 ms/);
    await page.keyboard.press('Enter');
    await settled(page);
    assert.equal(await current(page), 'leaf');
    assert.ok(await note.isHidden(), 'nothing is below this');
    await page.getByRole('button', { name: 'Reset zoom' }).click();
    await settled(page);
    assert.equal(await frame(page, 'other').count(), 1);
    assert.ok(await note.isVisible());
    await close(page);
  });
}

test('the arrow keys and clicks go on below what is drawn', async () => {
  const page = await openPage('descend', [deep(600)]);
  const rows = () => page.locator('g.frame').evaluateAll((frames) => Math.max(...frames.map((g) => Number(g.getAttribute('aria-level')))));
  assert.equal(await rows(), 251);
  await page.locator('g.frame[aria-level="240"]').click();
  await settled(page);
  assert.equal(await rows(), 376);
  await page.locator('g.frame[aria-level="376"]').click();
  await settled(page);
  assert.equal(await rows(), 603);
  assert.ok(await page.getByTestId('cut').isHidden());
  for (let step = 0; step < 3; step++) await page.keyboard.press('ArrowUp');
  assert.equal(await current(page), 'rec');
  await page.keyboard.press('Escape');
  await settled(page);
  assert.equal(await rows(), 251);
  for (let step = 0; step < 251; step++) await page.keyboard.press('ArrowDown');
  assert.equal(await current(page), 'other', 'the widest first');
  await close(page);
});

test('a profile in seconds has seconds, a range of numbers is chosen before', async () => {
  writeProfile(fileIn('seconds.pb.gz'), [['wall', 'seconds']], [{ stack: 'main;f', values: [90], labels: { size: '7' } }, { stack: 'main;g', values: [30] }]);
  greyhound('pprof', fileIn('seconds.pb.gz'), '--html', fileIn('seconds.html'), '--tag', 'size=7');
  const page = await open(browser, fileIn('seconds.html'));
  await page.waitForSelector('g.frame');
  assert.match(await details(page).textContent(), /total 90\.0 s/);
  assert.equal(await page.getByLabel('size').inputValue(), '=7');
  await close(page);
  greyhound('pprof', fileIn('seconds.pb.gz'), '--html', fileIn('range.html'), '--tag', 'other=1:9');
  const none = await open(browser, fileIn('range.html'));
  assert.match(await none.locator('header').textContent(), /Only samples with other=1:9/);
  assert.ok(await none.locator('.flame-empty').isVisible());
  await close(none);
});

test('axe finds nothing serious: light, dark, narrow, zoomed, searched, and in a difference', async () => {
  const page = await openPage('axe', [samples], ['--highlight', 'convT']);
  await expectAccessible(page);
  await frame(page, 'write').click();
  await page.getByLabel('Search').fill('greyobject');
  await settled(page);
  await expectAccessible(page);
  await close(page);
  const dark = await openPage('axe-dark', [samples, changed], [], { colorScheme: 'dark', reducedMotion: 'reduce', viewport: { width: 380, height: 700 } });
  await dark.getByLabel('Search').fill('greyobject');
  await expectAccessible(dark);
  const overflow = await dark.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(overflow, 0, 'a narrow window scrolls one way only');
  await close(dark);
});

test('reduced motion draws at once', async () => {
  const page = await openPage('still', [samples], [], { reducedMotion: 'reduce' });
  await frame(page, 'write').click();
  await page.waitForTimeout(50);
  const [width, drawn] = await frame(page, 'write').evaluate((g) => [Number(g.getAttribute('width')), Number(g.querySelector('rect').getAttribute('width'))]);
  assert.ok(Math.abs(width - drawn) < 0.5);
  await close(page);
});

test('a heap profile of the lab shows convT64 above mallocgc', async () => {
  greyhound('lab', '--only', 'X1', '--quick', '--reps', '1', '--go', 'off', '--heapprofile', fileIn('heap.pb.gz'));
  greyhound('pprof', fileIn('heap.pb.gz'), '--html', fileIn('heap.html'), '--sample-type', 'alloc_objects', '--tag', 'arm=write any 1000+', '--highlight', 'convT64');
  const page = await open(browser, fileIn('heap.html'));
  await page.waitForSelector('g.frame');
  assert.equal(await frame(page, 'runtime.convT64').count(), 1);
  assert.match(await page.locator('[data-chain=boxing]').textContent(), /520,000/);
  assert.match(await page.locator('.flame-reads').textContent(), /counts allocations, not time/);
  await expectAccessible(page);
  await close(page);
});
