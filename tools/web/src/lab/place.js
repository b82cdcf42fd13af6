// SPDX-License-Identifier: MIT
// What a reload and the Back button must find again. Where the reader is stands in the entry of the browser's history;
// what is unfolded and chosen, which all entries share, in the tab's own storage, where the browser lets a page have it.

export function topRemembered() {
  return history.state?.top;
}
export function rememberTop() {
  history.replaceState({ ...history.state, top: scrollY }, '');
}

const key = `greyhound lab ${location.pathname}`;

export function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(key)) ?? {};
  } catch {
    return {};
  }
}
export function keep(part) {
  try {
    sessionStorage.setItem(key, JSON.stringify({ ...kept(), ...part }));
  } catch {
    // No storage, or it is full: a reload begins anew.
  }
}
