// SPDX-License-Identifier: MIT
// Profiles for the tests, in pprof's format, from stacks in words. The encoder knows nothing of Greyhound's: field
// numbers are those of google/pprof's profile.proto.
import { writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

function varint(value) {
  const bytes = [];
  let rest = BigInt(value);
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 128 : low);
  } while (rest > 0n);
  return Buffer.from(bytes);
}

const number = (field, value) => Buffer.concat([varint(field << 3), varint(value)]);
const bytes = (field, value) => Buffer.concat([varint((field << 3) | 2), varint(value.length), value]);
const message = (field, ...parts) => bytes(field, Buffer.concat(parts));

// types: [['cpu', 'nanoseconds']]; samples: [{ stack: 'main;f;g', values: [3], labels: { arm: 'x' } }], the outermost
// function first.
export function encodeProfile(types, samples, { defaultType } = {}) {
  const strings = [''];
  const text = (value) => {
    if (!strings.includes(value)) strings.push(value);
    return strings.indexOf(value);
  };
  const functions = [];
  const location = (name) => {
    if (!functions.includes(name)) functions.push(name);
    return functions.indexOf(name) + 1;
  };
  const parts = types.map(([type, unit]) => message(1, number(1, text(type)), number(2, text(unit))));
  for (const { stack, values, labels = {} } of samples) {
    const places = stack.split(';').reverse().map(location);
    parts.push(message(2, bytes(1, Buffer.concat(places.map(varint))), bytes(2, Buffer.concat(values.map(varint))),
      ...Object.entries(labels).map(([key, value]) => message(3, number(1, text(key)), number(2, text(value))))));
  }
  functions.forEach((name, at) => {
    parts.push(message(4, number(1, at + 1), message(4, number(1, at + 1), number(2, 10 + at))));
    parts.push(message(5, number(1, at + 1), number(2, text(name)), number(4, text(`src/${at}.cc`))));
  });
  if (defaultType) parts.push(number(14, text(defaultType)));
  strings.forEach((value) => parts.push(bytes(6, Buffer.from(value))));
  return Buffer.concat(parts);
}

export function writeProfile(path, types, samples, options) {
  writeFileSync(path, gzipSync(encodeProfile(types, samples, options)));
  return path;
}
