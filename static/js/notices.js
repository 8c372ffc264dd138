// A button that puts a notice away.

export function enhanceNotices(root) {
  for (const notice of root.querySelectorAll("[data-dismissible]:not([data-enhanced])")) {
    notice.dataset.enhanced = "";
    const button = document.createElement("button");
    button.type = "button";
    button.className = "notice-dismiss";
    button.textContent = "×";
    button.setAttribute("aria-label", "Dismiss");
    button.addEventListener("click", () => notice.remove());
    notice.append(button);
  }
}
