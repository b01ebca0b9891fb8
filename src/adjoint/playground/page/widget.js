/** What a notebook loads: it frames the page in the output of a cell, and passes on what page and kernel say. */

/**
 * What the page may ask of the notebook around it.
 * @typedef {{frame: (buffer: ArrayBuffer) => void, lost: (reason: string) => void, theme: (theme: string) => void}} Listener
 * @typedef {{send: (content: any) => void, listen: (listener: Listener) => void, live: () => void,
 *   resize: (height: number) => void, theme: () => string}} Host
 */

const WAITING = navigator.language.startsWith("zh")
  ? "adjoint 训练场：运行此单元格即可使用。"
  : "adjoint playground: run this cell to use it.";

/** Whether the notebook is dark; each has a way of its own to say so. */
function theme() {
  const { body, documentElement: root } = document;
  if (body.dataset.jpThemeLight) return body.dataset.jpThemeLight === "true" ? "light" : "dark";
  if (body.classList.contains("vscode-dark") || body.classList.contains("vscode-high-contrast")) return "dark";
  if (body.classList.contains("vscode-light") || root.getAttribute("theme") === "light") return "light";
  return root.getAttribute("theme") === "dark" || matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** @param {{model: any, el: HTMLElement}} given @returns {() => void} what ends it */
function render({ model, el }) {
  const note = document.createElement("p"), frame = document.createElement("iframe"), style = document.createElement("style");
  note.textContent = WAITING;
  frame.title = "adjoint playground";
  frame.name = model.get("picture_name");
  frame.style.cssText = "display: block; width: 100%; height: 0; border: 0; color-scheme: normal;";
  // The picture for readers without a kernel stands below, and is the same as what is live here.
  style.textContent = `.${CSS.escape(model.get("picture_name"))} { display: none; }`;
  /** @type {Listener|null} */ let listener = null;
  const answered = (/** @type {any} */ content, /** @type {DataView[]} */ buffers) => {
    if (content.closed) lost("closed");
    // A copy, since a frame's numbers must begin at a multiple of four.
    for (const each of buffers) listener?.frame(/** @type {ArrayBuffer} */ (each.buffer.slice(each.byteOffset, each.byteOffset + each.byteLength)));
  };
  const lost = (/** @type {string} */ reason) => { const told = listener; listener = null; told?.lost(reason); };
  const gone = () => lost("kernel");
  const repainted = new MutationObserver(() => listener?.theme(theme()));
  /** @type {Host} */
  const host = {
    send: (content) => { try { model.send(content); } catch { gone(); } },
    listen: (given) => { listener = given; },
    live: () => { note.remove(); document.head.append(style); },
    resize: (height) => { frame.style.height = `${Math.ceil(height)}px`; },
    theme,
  };
  // The frame is loaded anew when a notebook moves its cell: then the page asks for its host again.
  Object.assign(frame, { host });
  frame.srcdoc = model.get("page");
  model.on("msg:custom", answered);
  model.on("comm_live_update", gone);
  for (const place of [document.body, document.documentElement]) repainted.observe(place, { attributes: true });
  el.replaceChildren(note, frame);
  return () => {
    model.off("msg:custom", answered);
    model.off("comm_live_update", gone);
    repainted.disconnect();
    style.remove();
    listener = null;
  };
}

export default { render };
