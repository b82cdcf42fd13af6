// SPDX-License-Identifier: MIT
// Numbers as the page writes them.

// Nanoseconds: two decimals below 100, so that what is added up by eye agrees; none from there on.
export function ns(value) {
  const digits = Math.abs(value) < 99.995 ? 2 : 0;
  const text = value.toFixed(digits);
  return Number(text) === 0 ? (0).toFixed(digits) : text.replace('-', '\u2212');
}

export function plural(count, word) {
  return `${grouped(count)} ${word}${count === 1 ? '' : 's'}`;
}

export function grouped(count) {
  return Math.round(count).toLocaleString('en-US');
}

export function bytes(value) {
  if (value === null || value === undefined) return 'none';
  if (value < 1024) return `${value} B`;
  if (value < 1 << 20) return `${(value / 1024).toFixed(1)} KiB`;
  return `${(value / (1 << 20)).toFixed(1)} MiB`;
}
