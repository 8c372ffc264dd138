// Keys that lead through the pages: g and a letter, / and ?. The help says which, and switches them off.

const WAIT_MS = 1500;
const SWITCH = "acron:shortcuts";
const TYPING = "input, textarea, select, [contenteditable], dialog";

export function enhanceKeyboard() {
  const links = linksByKey();
  if (!links.size) return;
  const dialog = dialogFor(links);
  document.body.append(dialog);
  for (const button of document.querySelectorAll("[data-shortcuts]")) {
    button.hidden = false;
    button.addEventListener("click", () => showFrom(button.closest("details"), dialog));
  }
  listen(links, dialog);
}

function showFrom(menu, dialog) {
  menu.open = false;
  menu.querySelector("summary").focus(); // where the focus is again when the dialog is closed
  dialog.showModal();
}

function linksByKey() {
  // the navigation stands in the page twice, for wide and for narrow windows
  return new Map([...document.querySelectorAll("a[data-go]")].map((link) => [link.dataset.go, link]));
}

function listen(links, dialog) {
  let goesUntil = 0;
  document.addEventListener("keydown", (event) => {
    if (!isOn() || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest(TYPING)) return;
    const link = Date.now() < goesUntil ? links.get(event.key) : undefined;
    goesUntil = event.key === "g" ? Date.now() + WAIT_MS : 0;
    if (link) location.assign(link.href);
    else if (event.key === "?") dialog.showModal();
    else if (event.key === "/" && search()) event.preventDefault();
  });
}

function search() {
  const place = document.querySelector("[data-search]");
  if (!place) return false;
  if (place.tagName === "DETAILS") place.open = true;
  place.querySelector("input:not([type=hidden]), select").focus();
  return true;
}

// a browser that keeps nothing has them on
function isOn() {
  try {
    return localStorage.getItem(SWITCH) !== "off";
  } catch {
    return true;
  }
}

function turn(isOnNow) {
  try {
    localStorage.setItem(SWITCH, isOnNow ? "on" : "off");
  } catch {
    // then it holds for no page
  }
}

function dialogFor(links) {
  const dialog = element("dialog", { className: "help" });
  dialog.setAttribute("aria-labelledby", "shortcuts-title");
  const keys = element("dl", { className: "help-keys" });
  for (const [key, link] of links) keys.append(...line(["g", key], link.textContent.trim()));
  if (document.querySelector("[data-search]")) keys.append(...line(["/"], "Filter this page"));
  keys.append(...line(["?"], "This help"), ...line(["Esc"], "Close what is open"));
  const form = element("form", { method: "dialog", className: "form-actions" });
  form.append(element("button", { className: "button", textContent: "Close" }));
  dialog.append(element("h2", { id: "shortcuts-title", textContent: "Keyboard shortcuts" }), keys, toggle(), form);
  return dialog;
}

function line(keys, words) {
  const term = element("dt", {});
  keys.forEach((key, place) => term.append(place ? " " : "", element("kbd", { textContent: key })));
  return [term, element("dd", { textContent: words })];
}

function toggle() {
  const box = element("input", { type: "checkbox", checked: isOn() });
  box.addEventListener("change", () => turn(box.checked));
  const label = element("label", { className: "field-check" });
  label.append(box, "Use these shortcuts");
  return label;
}

function element(name, properties) {
  return Object.assign(document.createElement(name), properties);
}
