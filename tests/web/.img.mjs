import { launch, open } from './harness.js';
const [,, file] = process.argv;
const browser = await launch();
async function opened(options) {
  const page = await open(browser, file, options);
  await page.evaluate(() => document.querySelector('nav.contents a').click());
  await page.waitForTimeout(400);
  return page;
}
const out = (name) => `/tmp/wt/page/docs/img/${name}.png`;
let page = await opened({ viewport: { width: 1280, height: 1240 } });
await page.evaluate(() => scrollTo(0, 0));
await page.screenshot({ path: out('lab-page') });
await page.addStyleTag({ content: 'nav.contents { position: static !important; } #page { padding: 0 1rem; } section { padding: 0.5rem 0; }' });
await page.click('#heap .cell >> nth=1');
await page.locator('#heap').screenshot({ path: out('lab-heap') });
await page.click('#barrier .break');
await page.locator('#barrier input[type=range]').fill('26');
await page.locator('#barrier').screenshot({ path: out('lab-barrier') });
await page.locator('#map').screenshot({ path: out('lab-map') });
await page.locator('#timeline').screenshot({ path: out('lab-timeline') });
page = await opened({ viewport: { width: 390, height: 1400 }, colorScheme: 'dark' });
await page.evaluate(() => document.getElementById('heap').scrollIntoView());
await page.waitForTimeout(200);
await page.screenshot({ path: out('lab-phone-dark') });
await browser.close();
