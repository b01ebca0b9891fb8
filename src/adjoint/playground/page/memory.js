/** What the browser remembers of one's choices, where it lets a page remember anything. */

/** @param {string} name @returns {string} */
export function remembered(name) {
  try { return localStorage.getItem(`adjoint ${name}`) || ""; } catch { return ""; }
}

/** @param {string} name @param {string} value */
export function remember(name, value) {
  try { localStorage.setItem(`adjoint ${name}`, value); } catch { /* some frames may keep nothing */ }
}
