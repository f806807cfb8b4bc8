// The mailbox page: opens forms in a dialog, drags entries, and shows within two seconds what others changed.
"use strict";

const calendar = document.getElementById("calendar");
if (calendar) start();

function start() {
  const dialog = document.getElementById("dialog");
  const live = document.getElementById("live");
  const { address, query } = calendar.dataset;
  let state = calendar.dataset.state;
  let dragged = null;

  scrollToMorning();
  setInterval(look, 2000);

  // --- what others changed
  async function look() {
    if (dragged || document.hidden) return;
    try {
      const answer = await fetch(`${address}/state`);
      const now = (await answer.json()).state;
      if (now !== state) { state = now; await refresh(); }
    } catch { /* the sandbox is being restarted: the next look tells */ }
  }

  async function refresh() {
    const answer = await fetch(`${address}/grid?${query}`);
    if (!answer.ok) return;
    const before = new Map(entries().map(entry => [entry.dataset.id, mark(entry)]));
    const place = document.querySelector(".scroll")?.scrollTop;
    const focused = document.activeElement?.dataset?.id;
    document.getElementById("grid").outerHTML = await answer.text();
    const scroll = document.querySelector(".scroll");
    if (scroll) scroll.scrollTop = place;
    const fresh = entries().filter(entry => before.get(entry.dataset.id) !== mark(entry));
    fresh.forEach(entry => entry.classList.add("fresh"));
    if (fresh.length) live.textContent = `Changed: ${fresh.slice(0, 3).map(entry => entry.ariaLabel).join("; ")}`;
    if (focused) entries().find(entry => entry.dataset.id === focused)?.focus();
  }

  function entries() { return [...document.querySelectorAll("#grid .entry")]; }
  function mark(entry) { return entry.title + entry.className.replace(" fresh", ""); }

  function scrollToMorning() {
    const scroll = document.querySelector(".scroll");
    if (scroll) scroll.scrollTop = scroll.scrollHeight * 7 / 24;
  }

  // --- forms
  async function open(url) {
    const answer = await fetch(url, { headers: { "X-Fragment": "1" } });
    if (!answer.ok) { await refresh(); return; }
    dialog.innerHTML = await answer.text();
    if (!dialog.open) dialog.showModal();
    dialog.querySelector("[autofocus]")?.select();
  }

  async function send(form, button) {
    const body = new URLSearchParams(new FormData(form));
    if (button?.name) body.set(button.name, button.value);
    const answer = await fetch(form.getAttribute("action"), { method: "POST", body, headers: { "X-Fragment": "1" } });
    if (answer.status === 204) { dialog.close(); await look(); return; }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    say(form, page.querySelector(".wrong")?.textContent ?? "That did not work.");
  }

  function say(form, words) {
    let line = form.querySelector(".wrong");
    if (!line) {
      line = document.createElement("p");
      line.className = "wrong";
      line.setAttribute("role", "alert");
      form.querySelector("h2").after(line);
    }
    line.textContent = words;
  }

  document.addEventListener("click", event => {
    const link = event.target.closest("a");
    if (event.target.closest(".cancel")) { event.preventDefault(); dialog.close(); return; }
    if (!link || event.ctrlKey || event.metaKey || event.button) return;
    if (link.matches(".entry, [data-key=n], dialog form a")) { event.preventDefault(); open(link.href); }
  });
  document.addEventListener("submit", event => {
    if (!dialog.contains(event.target)) return;
    event.preventDefault();
    send(event.target, event.submitter);
  });
  document.addEventListener("dblclick", event => {
    const day = event.target.closest("[data-day]");
    if (day && !event.target.closest(".entry")) open(`${address}/new?date=${day.dataset.day}&time=${clock(event, day) ?? "09:00"}`);
  });
  document.addEventListener("keydown", event => {
    if (dialog.open || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest(".scroll") && event.key.startsWith("Arrow") && !event.target.closest(".entry")) return;
    const link = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (link) { event.preventDefault(); link.click(); }
  });

  // --- dragging
  document.addEventListener("dragstart", event => {
    const entry = event.target.closest?.(".entry");
    if (!entry) return;
    dragged = { entry, grip: event.clientY - entry.getBoundingClientRect().top };
    entry.classList.add("dragged");
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", "");
  });
  document.addEventListener("dragend", () => {
    dragged?.entry.classList.remove("dragged");
    dragged = null;
    over(null);
  });
  document.addEventListener("dragover", event => {
    const day = dragged && event.target.closest("[data-day]");
    over(day);
    if (day) event.preventDefault();
  });
  document.addEventListener("drop", event => {
    const day = dragged && event.target.closest("[data-day]");
    if (!day) return;
    event.preventDefault();
    move(dragged.entry, day.dataset.day, clock(event, day, dragged.grip));
  });

  function over(day) {
    document.querySelectorAll(".over").forEach(other => other.classList.remove("over"));
    day?.classList.add("over");
  }

  // The time of day of a point in a week's column, to the quarter of an hour; null elsewhere.
  function clock(event, day, grip = 0) {
    if (!day.classList.contains("column")) return null;
    const box = day.getBoundingClientRect();
    const minutes = Math.round((event.clientY - grip - box.top) / box.height * 96) * 15;
    const kept = Math.min(Math.max(minutes, 0), 1425);
    return `${String(Math.floor(kept / 60)).padStart(2, "0")}:${String(kept % 60).padStart(2, "0")}`;
  }

  async function move(entry, day, time) {
    const { entry: id, occurrence, start, minutes, whole } = entry.dataset;
    const at = whole ? "00:00" : time ?? start.slice(11);
    const body = new URLSearchParams({ id, start: `${day}T${at}`, minutes });
    if (occurrence) body.set("occurrence", occurrence);
    if (whole) body.set("whole", "1");
    dragged = null;
    const answer = await fetch(`${address}/move`, { method: "POST", body });
    if (answer.ok) { await look(); return; }
    live.textContent = await answer.text();
    dialog.innerHTML = "<form method=dialog><h2>That cannot be moved there</h2><div class=buttons><button class=main>OK</button></div></form>";
    say(dialog.firstElementChild, live.textContent);
    dialog.showModal();
  }
}
