// SPDX-License-Identifier: MIT
// Amounts as text: of bytes, nanoseconds and counts, with three digits or more.
const BYTES = [[2 ** 50, 'PiB'], [2 ** 40, 'TiB'], [2 ** 30, 'GiB'], [2 ** 20, 'MiB'], [2 ** 10, 'KiB'], [1, 'B']];
const TIME = [[1e9, 's'], [1e6, 'ms'], [1e3, '\u00b5s'], [1, 'ns']];
// The names that profiles have for units, in lower case and without an s at the end (tools/pprof/units.cc).
const UNITS = [
  [BYTES, 1, 'b byte'], [BYTES, 2 ** 10, 'kb kib kbyte kilobyte kibibyte'], [BYTES, 2 ** 20, 'mb mib mbyte megabyte mebibyte'],
  [BYTES, 2 ** 30, 'gb gib gbyte gigabyte gibibyte'], [BYTES, 2 ** 40, 'tb tib tbyte terabyte'], [BYTES, 2 ** 50, 'pb pbyte petabyte'],
  [TIME, 1, 'ns nano nanosecond'], [TIME, 1e3, 'us \u00b5s \u03bcs micro microsecond'], [TIME, 1e6, 'ms milli millisecond'],
  [TIME, 1e9, 's sec second'], [TIME, 60e9, 'min minute'], [TIME, 3600e9, 'hr hour'],
];
const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

const known = new Map(UNITS.flatMap(([scales, factor, names]) => names.split(' ').map((name) => [name, { scales, factor }])));

function unitNamed(unit) {
  const name = unit.toLowerCase();
  return known.get(name) ?? (name.length > 2 && name.endsWith('s') ? known.get(name.slice(0, -1)) : undefined);
}

export function isTime(unit) {
  return unitNamed(unit)?.scales === TIME;
}

export function formatAmount(value, unit) {
  const found = unitNamed(unit);
  if (!found) return whole.format(value);
  const amount = value * found.factor;
  const [factor, name] = found.scales.find(([size]) => Math.abs(amount) >= size) ?? found.scales.at(-1);
  const scaled = amount / factor;
  const decimals = factor === 1 || Math.abs(scaled) >= 100 ? 0 : Math.abs(scaled) >= 10 ? 1 : 2;
  return `${decimals === 0 ? whole.format(scaled) : scaled.toFixed(decimals)} ${name}`;
}

export function formatDelta(value, unit) {
  const text = formatAmount(Math.abs(value), unit);
  return value > 0 ? `+${text}` : value < 0 ? `\u2212${text}` : '\u00b10';
}

// "12.3 %", and "< 0.1 %" for what is there but rounds to nothing.
export function formatShare(value, of) {
  if (!(of > 0) || value === 0) return '0 %';
  const share = (100 * value) / of;
  if (Math.abs(share) < 0.1) return share < 0 ? '> \u22120.1 %' : '< 0.1 %';
  return `${share >= 99.95 || Number.isInteger(share) ? Math.round(share) : share.toFixed(1)} %`;
}
