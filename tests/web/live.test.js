// SPDX-License-Identifier: MIT
// The lab page as a server gives it: the stage is driven by POST with the token that the page's address has.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { command, expectAccessible, expectQuiet, launch, open } from './harness.js';

let browser;
let server;
let address;  // with the token
let origin;
let early;  // the page while the experiments run

before(async () => {
  browser = await launch();
  server = spawn(command, ['lab', '--quick', '--reps', '1', '--only', 'X13', '--go', 'off', '--serve', '127.0.0.1:0'], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  server.stderr.setEncoding('utf8');
  await new Promise((resolve, reject) => {
    server.stderr.on('data', (text) => {
      said += text;
      const found = /(http:\/\/[^ \n]*\/lab\?token=[0-9a-f]+)/.exec(said);
      if (found && !address) {
        address = found[1];
        early = open(browser, address);
      }
      if (found && /until interrupted/.test(said)) resolve();
    });
    server.on('exit', () => reject(new Error(`the server ended: ${said}`)));
  });
  origin = new URL(address).origin;
  await early;
});
after(async () => {
  await browser.close();
  server.removeAllListeners('exit');
  server.kill('SIGINT');
});

// Clicks and waits for the answer.
async function commanded(page, button) {
  const answered = page.waitForResponse((response) => response.request().method() === 'POST');
  await page.click(button);
  await answered;
}

async function opened() {
  const page = await open(browser, address);
  await page.click('nav.contents a >> nth=0');
  await page.waitForFunction(() => document.querySelector('#stage .cell') !== null);
  return page;
}
const post = (headers, body) => fetch(`${origin}/lab/stage`, { method: 'POST', headers, body: JSON.stringify(body) });

test('while the experiments run the page says so, and the stage is there', async () => {
  const page = await early;
  assert.match(await page.locator('#introduction').innerText(), /The experiments are running/);
  assert.ok(await page.locator('nav.contents a[href="#stage"]').count() === 1);
  assert.deepEqual(page.watch.errors, []);
});

test('the stage is stepped on the server', async () => {
  const page = await opened();
  const before = (await (await fetch(`${origin}/lab/stage`)).json()).step;
  await page.click('#stage button[title="One event on"]');
  await page.waitForFunction(() => document.querySelector('#stage .event').textContent !== '');
  await page.waitForFunction(() => document.querySelector('#stage .position').textContent === '1 / 1');
  assert.equal((await (await fetch(`${origin}/lab/stage`)).json()).step, before + 1);
  await page.selectOption('#stage select[aria-label="Phase"]', 'drain');
  await page.click('#stage button:has-text("Run to phase")');
  await page.waitForFunction(() => document.querySelector('#stage .phases [aria-current]')?.textContent === 'drain');
  expectQuiet(page);
});

test('the barrier is broken there, and the lost object is found', async () => {
  const page = await opened();
  await page.selectOption('#stage select[aria-label="Scenario"]', 'broken-barrier');
  await commanded(page, '#stage button:has-text("Reset")');
  await page.click('#stage .break');
  await page.waitForFunction(() => document.querySelector('#stage .break').getAttribute('aria-pressed') === 'true');
  await page.selectOption('#stage select[aria-label="Phase"]', 'barrier-off');
  await page.click('#stage button:has-text("Run to phase")');
  await page.waitForFunction(() => /Lost: #\d+ prize/.test(document.querySelector('#stage div.lost').textContent));
  await commanded(page, '#stage .break');
  await commanded(page, '#stage button:has-text("Reset")');
});

test('commands given at once are carried out in their order', async () => {
  const page = await opened();
  await commanded(page, '#stage button:has-text("Reset")');
  const posted = [];
  let answered = 0;
  await page.route('**/lab/stage', async (route) => {
    posted.push([JSON.parse(route.request().postData()).command, answered]);
    // The first one is slow on its way.
    if (posted.length === 1) await new Promise((resolve) => setTimeout(resolve, 300));
    const response = await route.fetch();
    ++answered;  // before the page has it
    await route.fulfill({ response });
  });
  await page.click('#stage button:has-text("Reset")');
  await page.click('#stage .break');
  await page.waitForFunction(() => document.querySelector('#stage .break').getAttribute('aria-pressed') === 'true');
  assert.deepEqual(posted, [['reset', 0], ['break_barrier', 1]], 'the second waits for the answer to the first');
  assert.equal((await (await fetch(`${origin}/lab/stage`)).json()).broken, true);
  await commanded(page, '#stage .break');
});

test('what cannot be done is said in a sentence', async () => {
  const page = await opened();
  await commanded(page, '#stage button:has-text("Reset")');
  await page.click('#stage button:has-text("Checkmark")');
  await page.waitForFunction(() => /barrier-off/.test(document.querySelector('#stage .failure').textContent));
});

test('a command without the token, or from elsewhere, is refused; a bad one is a 400', async () => {
  const token = new URL(address).searchParams.get('token');
  assert.equal((await post({}, { command: 'step' })).status, 403);
  assert.equal((await post({ 'X-Greyhound-Token': token, Origin: 'http://example.org' }, { command: 'step' })).status, 403);
  const bad = await post({ 'X-Greyhound-Token': token }, { command: 'stop' });
  assert.equal(bad.status, 400);
  assert.match(await bad.text(), /the nearest is 'step'/);
  assert.equal((await post({ 'X-Greyhound-Token': token }, { command: 'pause' })).status, 200);
  assert.equal((await post({ 'X-Greyhound-Token': token }, { command: 'play' })).status, 200);
});

test('axe has nothing serious to say of the live page', async () => {
  const page = await opened();
  await expectAccessible(page);
});
