// `acron:tick` on the body: when what is shown should be looked up anew (hx-trigger="acron:tick from:body").

const QUIET_MS = 60_000;
const BUSY_MS = 3_000;
const BUSY_FOR_MS = 60_000;

export function startTicking() {
  let lastTick = Date.now();
  let lastActivity = 0;
  for (const name of ["pointerdown", "keydown"]) {
    document.addEventListener(name, () => (lastActivity = Date.now()), { passive: true });
  }
  const tickWhenDue = () => {
    const now = Date.now();
    const pause = now - lastActivity < BUSY_FOR_MS ? BUSY_MS : QUIET_MS;
    if (document.hidden || now - lastTick < pause) return;
    lastTick = now;
    document.body.dispatchEvent(new CustomEvent("acron:tick"));
  };
  setInterval(tickWhenDue, BUSY_MS);
  document.addEventListener("visibilitychange", tickWhenDue);
}
