/** What the browser remembers of the reader's choices, where it lets a page remember anything. */

/** @param {string} name @returns {string} */
export function remembered(name) {
  try { return localStorage.getItem(`adjoint ${name}`) || ""; } catch { return ""; }
}

/** @param {string} name @param {string} value */
export function remember(name, value) {
  try { localStorage.setItem(`adjoint ${name}`, value); } catch { /* some frames may keep nothing */ }
}

/** The name of what belongs to this page alone: the frames of a notebook have one memory, and names of their own. @param {string} name */
function own(name) { return `adjoint ${name} ${window.name}`.trim(); }

/** What is kept until the page is closed. @param {string} name @returns {string} */
export function kept(name) {
  try { return sessionStorage.getItem(own(name)) || ""; } catch { return ""; }
}

/** @param {string} name @param {string} value none for nothing */
export function keep(name, value) {
  try {
    if (value) sessionStorage.setItem(own(name), value);
    else sessionStorage.removeItem(own(name));
  } catch { /* where nothing can be kept it is there until the next reload */ }
}
