// A button in each password field that shows what was typed.

export function enhancePasswords(root) {
  for (const input of root.querySelectorAll("input[type=password]:not([data-enhanced])")) {
    input.dataset.enhanced = "";
    const button = buttonFor(input); // before the field moves: outside of the page it has neither label nor form
    const wrap = document.createElement("div");
    wrap.className = "password";
    input.replaceWith(wrap);
    wrap.append(input, button);
  }
}

function buttonFor(input) {
  const label = input.labels?.[0]?.textContent.trim() ?? "password";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "password-show";
  button.textContent = "Show";
  button.setAttribute("aria-label", `Show ${label}`);
  button.setAttribute("aria-pressed", "false");
  button.addEventListener("click", () => {
    const isShown = input.type === "text";
    input.type = isShown ? "password" : "text";
    button.textContent = isShown ? "Show" : "Hide";
    button.setAttribute("aria-pressed", String(!isShown));
  });
  // what is shown would be kept by the browser as if it were any text
  input.form?.addEventListener("submit", () => {
    input.type = "password";
  });
  return button;
}
