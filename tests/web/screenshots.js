// SPDX-License-Identifier: MIT
// Makes the pictures in docs/img again: node tests/web/screenshots.js [NAME...]. GREYHOUND_COMMAND as in tests/web/run.
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expectQuiet, fileIn, greyhound, launch, open } from './harness.js';

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
};

async function flame(browser, file, { height }) {
  const page = await open(browser, file, { viewport: { width: 1280, height }, reducedMotion: 'reduce' });
  await page.waitForSelector('g.frame');
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
  await page.screenshot({ path: join(images, `${name}.png`) });
  console.log(`docs/img/${name}.png`);
}
await browser.close();
