// SPDX-License-Identifier: MIT
// What every browser test needs: a Chromium with a profile of its own, pages that are watched for errors and for
// requests to anywhere, a check by axe, and the greyhound command.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
export const command = process.env.GREYHOUND_COMMAND ?? join(dirname(fileURLToPath(import.meta.url)), '../../build/release/bin/greyhound');

// A folder for a test's files, removed when the process ends.
export const folder = mkdtempSync(join(tmpdir(), 'greyhound-web-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

export function fileIn(name) {
  return join(folder, name);
}

// Runs `greyhound ARGS...`; fails the test unless it ends with exit status 0. Gives its stdout.
export function greyhound(...args) {
  return execFileSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'pipe'] });
}

// The same for a run that may fail: { status, stdout, stderr }.
export function tryGreyhound(...args) {
  return spawnSync(command, args, { encoding: 'utf8' });
}

export async function launch() {
  const executable = process.env.GREYHOUND_CHROMIUM ?? execFileSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' }).trim();
  return chromium.launch({
    executablePath: executable,
    headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
           '--disable-component-update', '--disable-sync'],
  });
}

// Opens a file (a path) or an http URL. page.watch lists what went wrong: expectQuiet(page) asserts that nothing did.
// options are Playwright's for a context: viewport, colorScheme, reducedMotion.
export async function open(browser, where, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(120_000);  // this machine may be doing other things
  const page = await context.newPage();
  const url = /^(https?|file):/.test(where) ? where : pathToFileURL(where).href;
  const home = new URL(url).origin;
  page.watch = { errors: [], strangers: [] };
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') page.watch.errors.push(message.text());
  });
  page.on('pageerror', (error) => page.watch.errors.push(String(error)));
  page.on('request', (request) => {
    const asked = request.url();
    const own = asked.startsWith('data:') || asked === url || (home !== 'null' && asked.startsWith(`${home}/`));
    if (!own) page.watch.strangers.push(asked);
  });
  await page.goto(url);
  return page;
}

// No error or warning on the console, and nothing asked from anywhere but where the page is from.
export function expectQuiet(page) {
  assert.deepEqual(page.watch.errors, []);
  assert.deepEqual(page.watch.strangers, []);
}

// axe finds nothing serious or critical.
export async function expectAccessible(page) {
  await page.evaluate(axeSource);
  const violations = await page.evaluate(async () => {
    const { violations: found } = await globalThis.axe.run(document, { resultTypes: ['violations'] });
    return found
      .filter((rule) => rule.impact === 'serious' || rule.impact === 'critical')
      .map((rule) => `${rule.id}: ${rule.help}: ${rule.nodes.slice(0, 3).map((node) => `${node.html.slice(0, 160)} ${node.failureSummary}`).join(' | ')}`);
  });
  assert.deepEqual(violations, []);
}
