// While a run goes on, ask for the changing part of the page now and then. Without script a reload does the same.
"use strict";
const state = document.getElementById("state");

async function refresh() {
  const focused = document.activeElement && state.contains(document.activeElement);
  if (document.hidden || focused || state.querySelector("details[open]")) return;
  const answer = await fetch(state.dataset.refresh, { headers: { "X-Requested-With": "fetch" } });
  if (answer.redirected) window.location.reload(); // signed out meanwhile
  else if (answer.ok) state.innerHTML = await answer.text();
}
(async function wait() {
  await refresh().catch(() => {}); // the server may be away for a moment
  setTimeout(wait, state.querySelector("[data-working]") ? 2000 : 10000);
})();
