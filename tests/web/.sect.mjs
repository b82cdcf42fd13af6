import { launch, open } from './harness.js';
const [,, file, out, width='1280', scheme='light', ids=''] = process.argv;
const browser = await launch();
const page = await open(browser, file, { viewport: { width: Number(width), height: 900 }, colorScheme: scheme });
await page.evaluate(() => document.querySelector('nav.contents a').click());
await page.waitForTimeout(500);
await page.addStyleTag({ content: 'nav.contents { position: static !important; }' });
for (const id of ids.split(',')) {
  if (id === 'barrier') { await page.click('#barrier .break'); await page.click('#barrier button[title="To the end"]'); }
  if (id === 'heap') { await page.click('#heap .cell >> nth=3'); }
  await page.locator(`#${id}`).screenshot({ path: `${out}-${id}.png` });
}
console.log(JSON.stringify(page.watch));
await browser.close();
