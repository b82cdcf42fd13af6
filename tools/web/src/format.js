// SPDX-License-Identifier: MIT
// Amounts as text: of bytes, nanoseconds and counts, with three digits or more.
const SCALES = {
  bytes: [[2 ** 30, 'GiB'], [2 ** 20, 'MiB'], [2 ** 10, 'KiB'], [1, 'B']],
  nanoseconds: [[1e9, 's'], [1e6, 'ms'], [1e3, '\u00b5s'], [1, 'ns']],
};
const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

export function formatAmount(value, unit) {
  const scales = SCALES[unit];
  if (!scales) return whole.format(value);
  const [factor, name] = scales.find(([size]) => Math.abs(value) >= size) ?? scales.at(-1);
  const scaled = value / factor;
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
