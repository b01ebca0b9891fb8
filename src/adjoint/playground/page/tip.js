/** The hover text of what the pointer, the focus or a finger is on. */

import { el } from "./dom.js";
import { hint, termOf } from "./words.js";

/** So long a pointer or the focus rests, and a finger presses, before the text comes. */
const PATIENCE = { rest: 400, press: 500 };
const tip = el("div", { id: "tip", role: "tooltip", hidden: true });
let waiting = 0;
/** Whether the pointer or finger has neither moved nor given way to a key since it was pressed: what comes under it, or has the focus, by then is no question. */
let pressed = false;
/** @type {Element|null} */ let described = null;

/** What is said of an element: its own term, and that of the value that is chosen in it. @param {Element} target */
export function toldOf(target) {
  const key = /** @type {HTMLElement} */ (target).dataset.hint || "";
  const control = /** @type {HTMLSelectElement|null} */ (target.matches("select") ? target : target.closest(".field")?.querySelector("select") || null);
  const value = control && termOf(key, control.value);
  return value && control ? `${hint(key)}\n${control.selectedOptions[0].textContent}: ${value}` : hint(key);
}

/** @param {EventTarget|null} target */
function show(target) {
  const about = /** @type {HTMLElement|null} */ (target instanceof Element ? target.closest("[data-hint]") : null);
  const text = about ? [about.dataset.detail, toldOf(about)].filter(Boolean).join("\n") : "";
  if (!about || !text || !about.isConnected) { hide(); return; }
  tip.textContent = text;
  tip.hidden = false;
  if (about.matches(":focus")) { about.setAttribute("aria-describedby", "tip"); described = about; }
  const box = about.getBoundingClientRect(), below = box.bottom + 6 + tip.offsetHeight <= innerHeight;
  tip.style.left = `${Math.max(4, Math.min(box.left, innerWidth - tip.offsetWidth - 8))}px`;
  tip.style.top = `${below ? box.bottom + 6 : Math.max(4, box.top - tip.offsetHeight - 6)}px`;
}

function hide() {
  clearTimeout(waiting);
  tip.hidden = true;
  if (described?.getAttribute("aria-describedby") === "tip") described.removeAttribute("aria-describedby");
  described = null;
}

/** @param {Event} event */
function rested(event) {
  if (pressed || (event instanceof PointerEvent && event.pointerType === "touch")) return;
  hide();
  waiting = window.setTimeout(() => show(event.target), PATIENCE.rest);
}

/** A finger cannot point: it taps a term, or presses a control for long. @param {PointerEvent} event */
function touched(event) {
  const control = event.target instanceof Element && event.target.closest("button, select, input, textarea, summary, canvas, [role=button]");
  waiting = window.setTimeout(() => show(event.target), control ? PATIENCE.press : 0);
}

/** Show hover texts from now on. */
export function listen() {
  document.body.append(tip);
  for (const kind of ["pointerover", "focusin"]) document.addEventListener(kind, rested);
  for (const kind of ["keydown", "scroll"]) document.addEventListener(kind, hide, { passive: true });
  document.addEventListener("focusout", () => { if (!pressed) hide(); });  // what is pressed takes the focus away
  for (const kind of ["pointermove", "keydown"]) document.addEventListener(kind, () => { pressed = false; });
  document.addEventListener("pointerdown", (event) => {
    pressed = true;
    hide();
    if (event.pointerType === "touch") touched(event);
  });
  document.addEventListener("pointercancel", hide);
  document.addEventListener("pointerup", (event) => {
    const control = event.target instanceof Element && event.target.closest("button, select, input, textarea, summary, canvas, [role=button]");
    if (event.pointerType === "touch" && control) clearTimeout(waiting);
  });
}
