// SPDX-License-Identifier: MIT
// Bundles each page's script and style into DIR (node build.js DIR), beside the page's frame and the licences of
// the packages that went in. A page NAME is src/NAME_page.js; the command embeds NAME.js and NAME.css (assets.cc).
import { build } from 'esbuild';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const source = join(here, 'src');
const out = process.argv[2];

const pages = readdirSync(source).filter((name) => name.endsWith('_page.js')).map((name) => name.slice(0, -'_page.js'.length));

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

const packages = new Set();
for (const page of pages.sort()) {
  const result = await build({
    entryPoints: { [page]: join(source, `${page}_page.js`) },
    absWorkingDir: here,
    outdir: out,
    bundle: true,
    minify: true,
    format: 'iife',
    target: ['chrome109', 'firefox102', 'safari16'],
    charset: 'utf8',
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  });
  for (const input of Object.keys(result.metafile.inputs)) {
    const match = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (match) packages.add(match[1]);
  }
}

writeFileSync(join(out, 'page.html'), readFileSync(join(source, 'page.html')));
writeFileSync(join(out, 'LICENSES.txt'), licences([...packages].sort()));

// Packages with the same text share one copy of it.
function licences(names) {
  const byText = new Map();
  for (const name of names) {
    const folder = join(here, 'node_modules', name);
    const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json')));
    const file = readdirSync(folder).find((entry) => /^licen[sc]e(\.|$)/i.test(entry));
    if (!file) throw new Error(`${name} has no licence file`);
    const text = readFileSync(join(folder, file), 'utf8').trim();
    if (!byText.has(text)) byText.set(text, []);
    byText.get(text).push(`${name} ${version} (${license})`);
  }
  return [...byText].map(([text, owners]) => `${owners.join('\n')}\n\n${text}\n`).join(`\n${'-'.repeat(79)}\n\n`);
}
