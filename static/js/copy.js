// A copy button for each block of code.

const SHOWN_MS = 2000;

export function enhanceCopyables(root) {
  for (const block of root.querySelectorAll("[data-copyable]:not([data-enhanced])")) {
    block.dataset.enhanced = "";
    block.append(buttonFor(block));
  }
}

function buttonFor(block) {
  const code = block.querySelector("pre");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button copy-button";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy: ${code.getAttribute("aria-label") ?? "code"}`);
  const news = document.createElement("span");
  news.className = "visually-hidden";
  news.setAttribute("role", "status");
  block.append(news);
  button.addEventListener("click", async () => {
    const done = await copied(code);
    button.textContent = done ? "Copied" : "Press Ctrl+C";
    news.textContent = button.textContent;
    setTimeout(() => {
      button.textContent = "Copy";
      news.textContent = "";
    }, SHOWN_MS);
  });
  return button;
}

async function copied(code) {
  try {
    await navigator.clipboard.writeText(code.textContent);
    return true;
  } catch {
    // no clipboard without HTTPS: the text is marked, and the keyboard copies it
    getSelection().selectAllChildren(code);
    return false;
  }
}
