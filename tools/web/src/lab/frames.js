// SPDX-License-Identifier: MIT
// Snapshots of the stage, one after the other: those of a recording, made from its patches when they are asked for, or
// those that a server has given so far.

// RFC 6902's add, remove and replace, on a copy of `document`.
export function patched(document, patch) {
  const copy = structuredClone(document);
  for (const { op, path, value } of patch) {
    const keys = path.split('/').slice(1).map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = keys.pop();
    const parent = keys.reduce((at, key) => at[key], copy);
    if (Array.isArray(parent)) {
      if (op === 'remove') parent.splice(Number(last), 1);
      else if (op === 'add') parent.splice(last === '-' ? parent.length : Number(last), 0, structuredClone(value));
      else parent[Number(last)] = structuredClone(value);
    } else if (op === 'remove') {
      delete parent[last];
    } else {
      parent[last] = structuredClone(value);
    }
  }
  return copy;
}

export class Recording {
  constructor(recording) {
    this.recording = recording;
    this.frames = [recording.first];
  }
  get length() { return this.recording.patches.length + 1; }
  at(index) {
    while (this.frames.length <= index) {
      this.frames.push(patched(this.frames.at(-1), this.recording.patches[this.frames.length - 1]));
    }
    return this.frames[index];
  }
  // A recording has all there will be.
  get more() { return false; }
}

// The stage of the server that the page came from. Its snapshots so far can be looked at again.
export class LiveStage {
  constructor() {
    this.frames = [];
    this.token = new URLSearchParams(location.search).get('token') ?? '';
    this.last = Promise.resolve();
  }
  get length() { return this.frames.length; }
  at(index) { return this.frames[index]; }
  get more() { return !this.frames.at(-1)?.corrupt; }

  async look() {
    this.add(await (await fetch('/lab/stage')).json());
  }
  // Throws an Error whose message is the server's sentence. Commands go one by one: each has a connection of its own,
  // and a later one could overtake it.
  send(command) {
    const turn = this.last.then(() => this.post(command));
    this.last = turn.catch(() => {});
    return turn;
  }
  async post(command) {
    const response = await fetch('/lab/stage', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-Greyhound-Token': this.token },
      body: JSON.stringify(command),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(text.trim());
    const snapshot = JSON.parse(text);
    if (command.command === 'reset') this.frames = [];
    this.add(snapshot);
    return snapshot;
  }
  add(snapshot) {
    this.frames.push(snapshot);
    if (this.frames.length > 2000) this.frames.shift();
  }
}
