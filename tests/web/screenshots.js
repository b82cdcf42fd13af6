// SPDX-License-Identifier: MIT
// Makes the pictures in docs/img again: node tests/web/screenshots.js [NAME...]. Needs tests/web/node_modules (`npm ci`
// there) and chromium. GREYHOUND_COMMAND is the command, as in tests/web/run; the pictures of the lab page show what it measures now, on this machine.
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expectQuiet, fileIn, folder, greyhound, launch, open } from './harness.js';

const images = join(dirname(fileURLToPath(import.meta.url)), '../../docs/img');

const pictures = {
  'flame-heap': async (browser) => {
    greyhound('lab', '--only', 'X1,X3,X10', '--quick', '--reps', '1', '--go', 'off', '--heapprofile', fileIn('heap.pb.gz'));
    greyhound('pprof', fileIn('heap.pb.gz'), '--html', fileIn('heap.html'), '--sample-type', 'alloc_space', '--highlight', 'convT');
    const page = await flame(browser, fileIn('heap.html'), { height: 860 });
    await page.getByLabel('Search').fill('convT64');
    await page.keyboard.press('Enter');
    await page.getByLabel('Search').fill('');
    return page;
  },
  'flame-diff': async (browser) => {
    greyhound('lab', '--only', 'X14', '--quick', '--reps', '3', '--go', 'off', '--heapprofile', fileIn('fixes.pb.gz'));
    greyhound('pprof', fileIn('fixes.before.pb.gz'), fileIn('fixes.after.pb.gz'), '--html', fileIn('diff.html'), '--sample-type', 'alloc_space');
    const page = await flame(browser, fileIn('diff.html'), { height: 860 });
    await page.getByLabel('Begin at').selectOption('runtime');
    return page;
  },
  'lab-page': (browser) => lab(browser, { viewport: { width: 1280, height: 1240 } }),
  'lab-phone-dark': (browser) => lab(browser, { viewport: { width: 390, height: 1400 }, colorScheme: 'dark' }),
  'lab-heap': async (browser) => {
    const page = await lab(browser);
    await page.locator('#heap input[type=range]').fill('20');
    await page.focus('#heap .heap');
    await page.keyboard.press('Home');
    return section(page, '#heap');
  },
  'lab-barrier': async (browser) => {
    const page = await lab(browser);
    await page.click('#barrier .break');
    await page.click('#barrier button[title="To the end"]');
    return section(page, '#barrier');
  },
  'lab-map': async (browser) => {
    const page = await lab(browser);
    await page.click('#map button[title="To the start"]');
    const seen = () => page.evaluate(() => document.querySelectorAll('#map .table').length === 2
      && document.querySelector('#map .bucket.cursor') && document.querySelector('#map .to-overflow'));
    while (!await seen()) await page.click('#map button[title="One event on"]');
    return section(page, '#map');
  },
  'lab-timeline': async (browser) => {
    const page = await lab(browser);
    await page.focus('#timeline svg.timeline');
    await page.keyboard.press('ArrowRight');
    return section(page, '#timeline');
  },
};

let measured = false;
// The lab page, every section built; measured once for all the pictures.
async function lab(browser, options = { viewport: { width: 1280, height: 900 } }) {
  if (!measured) {
    process.chdir(folder);  // the page names the command that made it
    greyhound('lab', '--quick', '--html', 'lab.html');
  }
  measured = true;
  const page = await open(browser, fileIn('lab.html'), { ...options, reducedMotion: 'reduce' });
  await page.click('nav.contents a >> nth=0');
  return page;
}

async function flame(browser, file, { height }) {
  const page = await open(browser, file, { viewport: { width: 1280, height }, reducedMotion: 'reduce' });
  await page.waitForSelector('g.frame');
  return page;
}

// A picture of one section, with some room around it and without the page's navigation, which floats above.
async function section(page, selector) {
  await page.evaluate(() => { document.querySelector('nav.contents').style.position = 'static'; });
  const box = await page.evaluate((name) => {
    const { left, top, width, height } = document.querySelector(name).getBoundingClientRect();
    return { left: left + scrollX, top: top + scrollY, width, height };
  }, selector);
  const room = 16;
  page.clip = { x: box.left - room, y: box.top - room, width: box.width + 2 * room, height: box.height + 2 * room };
  return page;
}

const wanted = process.argv.slice(2);
for (const name of wanted) {
  if (!pictures[name]) {
    console.error(`screenshots: there is no picture '${name}'; there are ${Object.keys(pictures).join(', ')}`);
    process.exit(2);
  }
}
mkdirSync(images, { recursive: true });
const browser = await launch();
for (const name of wanted.length > 0 ? wanted : Object.keys(pictures)) {
  const page = await pictures[name](browser);
  await page.waitForTimeout(300);
  expectQuiet(page);
  const part = page.clip ? { clip: page.clip, fullPage: true } : {};
  await page.screenshot({ path: join(images, `${name}.png`), ...part });
  console.log(`docs/img/${name}.png`);
}
await browser.close();
