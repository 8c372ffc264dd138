// What scripts add to pages that work without them. Each part looks after one kind of element.

import { enhanceCopyables } from "./copy.js";
import { enhanceKeyboard } from "./keyboard.js";
import { enhancePasswords } from "./passwords.js";
import { enhanceMenus } from "./menus.js";
import { enhanceNotices } from "./notices.js";
import { enhanceThemeSwitches } from "./theme.js";
import { startTicking } from "./tick.js";

function enhance(root) {
  enhanceCopyables(root);
  enhancePasswords(root);
  enhanceNotices(root);
  enhanceThemeSwitches(root);
}

enhance(document);
enhanceMenus();
enhanceKeyboard();
startTicking();
// what htmx brings in later is new to us
document.addEventListener("htmx:load", (event) => enhance(event.target));
