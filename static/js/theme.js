// The theme changes at once; the form tells the server, which renders the next page in it.

export function enhanceThemeSwitches(root) {
  for (const form of root.querySelectorAll("form[data-theme-switch]:not([data-enhanced])")) {
    form.dataset.enhanced = "";
    form.addEventListener("submit", (event) => {
      if (!event.submitter) return;
      event.preventDefault();
      const theme = event.submitter.value;
      const fields = new FormData(form, event.submitter);
      show(theme);
      fetch(form.action, { method: "POST", body: fields, redirect: "manual" });
    });
  }
}

function show(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  for (const button of document.querySelectorAll("form[data-theme-switch] button")) {
    button.setAttribute("aria-pressed", String(button.value === theme));
  }
}
