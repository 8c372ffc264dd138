// Open menus close on Escape, and when something else is clicked.

export function enhanceMenus() {
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details[data-menu][open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const open = [...document.querySelectorAll("details[data-menu][open]")].at(-1);
    if (!open) return;
    open.open = false;
    open.querySelector("summary").focus();
  });
}
