// The calendar page: FullCalendar draws, the server decides. Times are wall times of the user's zone on both sides.
import { Calendar } from "fullcalendar";
import dayGrid from "fullcalendar/daygrid";
import interaction from "fullcalendar/interaction";
import list from "fullcalendar/list";
import sv from "fullcalendar/locales/sv";
import classic from "fullcalendar/themes/classic";
import timeGrid from "fullcalendar/timegrid";
import "fullcalendar/skeleton.css";
import "fullcalendar/themes/classic/palette.css";
import "fullcalendar/themes/classic/theme.css";

const element = document.getElementById("calendar");
const dialog = document.getElementById("entry");
const scopes = document.getElementById("scope");
const certain = document.getElementById("certain");
const status = document.getElementById("calendar-status");
const url = element.dataset;
const narrow = window.matchMedia("(max-width: 43rem)").matches;

// What the page asks by itself is not a person's use of it.
const quietly = { headers: { "X-Requested-With": "fetch" } };

const calendar = new Calendar(element, {
  plugins: [dayGrid, timeGrid, list, interaction, classic],
  locales: [sv],
  locale: document.documentElement.lang,
  timeZone: "UTC", // wall times as the server gives them
  now: url.now,
  initialView: narrow ? "listWeek" : "timeGridWeek",
  headerToolbar: narrow
    ? { start: "title", end: "prev,today,next" }
    : { start: "prev,next today", center: "title", end: "dayGridMonth,timeGridWeek,timeGridDay,listWeek" },
  footerToolbar: narrow ? { center: "dayGridMonth,timeGridWeek,timeGridDay,listWeek" } : false,
  firstDay: 1,
  height: narrow ? "auto" : "max(32rem, calc(100vh - 11rem))",
  scrollTime: "07:00:00",
  nowIndicator: true,
  weekNumbers: !narrow,
  // What is read aloud is what is written.
  weekTextShort: url.week,
  weekTextLong: url.week,
  todayText: url.today,
  todayHint: url.today,
  editable: true,
  selectable: true,
  slotEventOverlap: false,
  eventInteractive: true,
  blockEventClass: "fc-box",
  dayMaxEvents: 5,
  events: async ({ startStr, endStr }) => (await ask(`${url.events}?${new URLSearchParams({ start: startStr, end: endStr })}`, quietly)).json(),
  eventClick: ({ event, jsEvent }) => {
    jsEvent.preventDefault();
    open(`${url.form}?id=${event.extendedProps.activity}&day=${event.extendedProps.day}`);
  },
  select: ({ startStr, endStr, allDay }) => {
    calendar.unselect();
    open(`${url.form}?start=${encodeURIComponent(startStr)}&end=${encodeURIComponent(endStr)}&all_day=${allDay ? 1 : ""}`);
  },
  eventDrop: move,
  eventResize: move,
});
calendar.render();

document.getElementById("new-entry").addEventListener("click", () => open(url.form));
setInterval(() => document.hidden || dialog.open || calendar.refetchEvents(), 5000);

async function ask(address, options) {
  const answer = await fetch(address, options);
  if (answer.redirected) window.location.reload(); // signed out meanwhile
  if (answer.status >= 500) throw new Error(answer.statusText);
  return answer;
}

async function open(address) {
  const answer = await ask(address);
  const text = await answer.text();
  tell("");
  if (!answer.ok) return tell(text);
  show(text);
  dialog.showModal();
  dialog.scrollTop = 0;
  dialog.querySelector("[name=name]")?.focus();
}

function show(html) {
  dialog.innerHTML = html;
  for (const form of dialog.querySelectorAll("form[data-send]")) form.addEventListener("submit", send);
  dialog.querySelector("[data-close]")?.addEventListener("click", () => dialog.close());
  people();
  for (const name of ["all_day", "frequency", "ends"]) {
    dialog.querySelector(`[name=${name}]`)?.addEventListener("change", arrange);
  }
  for (const [first, last] of [["start", "end"], ["first_day", "last_day"]]) follow(first, last);
  arrange();
  (dialog.querySelector("[aria-invalid=true]") ?? dialog.querySelector("[data-close]"))?.focus();
}

// Fields that make no sense for what is chosen are hidden, not removed: the server ignores them.
function arrange() {
  const value = (name) => dialog.querySelector(`[name=${name}]`);
  for (const part of dialog.querySelectorAll("[data-for]")) {
    const [name, wanted] = part.dataset.for.split("=");
    const field = value(name);
    const now = field?.type === "checkbox" ? (field.checked ? "on" : "off") : field?.value;
    part.hidden = !wanted.split("|").includes(now);
  }
}

// When the beginning is moved, the end moves along: the activity keeps its length.
function follow(first, last) {
  const from = dialog.querySelector(`[name=${first}]`);
  const to = dialog.querySelector(`[name=${last}]`);
  if (!from || !to) return;
  const date = (text) => Date.parse(text.length > 10 ? `${text}Z` : text);
  let before = from.value;
  from.addEventListener("change", () => {
    const end = date(to.value) + date(from.value) - date(before);
    if (Number.isFinite(end)) to.value = new Date(end).toISOString().slice(0, to.value.length);
    before = from.value;
  });
}

// Who is meant by what was typed, and whether he will see the activity, the server says before anything is saved.
function people() {
  const field = dialog.querySelector("[name=add]");
  if (!field) return;
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    addPerson();
  });
  dialog.querySelector("[data-add]").addEventListener("click", addPerson);
  dialog.querySelector("[data-people]").addEventListener("click", ({ target }) => {
    if (!target.closest("[data-remove]")) return;
    target.closest("li").remove();
    field.focus();
  });
}

// True when nothing more is to be read: nobody was typed, or somebody about whom there is nothing to say.
async function addPerson() {
  const field = dialog.querySelector("[name=add]");
  if (!field?.value.trim()) return true;
  const answer = await ask(url.person, { method: "POST", body: new FormData(field.form) });
  const text = await answer.text();
  const wrong = dialog.querySelector("[data-add-wrong]");
  wrong.hidden = answer.ok;
  wrong.textContent = answer.ok ? "" : text;
  field.setAttribute("aria-invalid", String(!answer.ok));
  field.focus();
  if (!answer.ok) return false;
  const list = dialog.querySelector("[data-people]");
  list.innerHTML = text;
  field.value = "";
  const added = list.querySelector("[data-new]");
  added?.scrollIntoView({ block: "nearest" });
  dialog.querySelector("[data-added]").textContent = [...(added?.querySelectorAll("span") ?? [])].map((part) => part.textContent).join(". ");
  return !added?.querySelector(".unreached");
}

async function send(event) {
  event.preventDefault();
  const form = event.target;
  const button = event.submitter;
  if (!button?.dataset.act && !(await addPerson())) return;
  const body = new FormData(form, button);
  const act = button?.dataset.act ?? "change";
  if (!(await choose(body, act))) return;
  const answer = await ask(button?.getAttribute("formaction") || form.action, { method: "POST", body });
  if (answer.status === 204) {
    dialog.close();
    calendar.refetchEvents();
  } else if (answer.headers.get("Content-Type").startsWith("text/html")) {
    show(await answer.text());
  } else {
    const why = form.querySelector("[data-why]");
    why.textContent = await answer.text();
    why.hidden = false;
  }
}

// "This / this and following / all" for an occurrence of a series; a question before anything is removed.
async function choose(body, act) {
  if (act === "respond") return true;
  const series = body.get("series") === "1" && act !== "leave";
  if (!series && act === "change") return true;
  const question = series ? scopes : certain;
  for (const words of question.querySelectorAll("[data-for-act]")) words.hidden = words.dataset.forAct !== act;
  question.returnValue = "";
  question.showModal();
  await new Promise((resolve) => question.addEventListener("close", resolve, { once: true }));
  if (series) body.set("scope", question.returnValue);
  return Boolean(question.returnValue);
}

async function move(info) {
  const { event } = info;
  const body = new FormData();
  body.set("csrfmiddlewaretoken", document.querySelector("[name=csrfmiddlewaretoken]").value);
  body.set("id", event.extendedProps.activity);
  body.set("day", event.extendedProps.day);
  body.set("version", event.extendedProps.version);
  body.set("series", event.extendedProps.series ? "1" : "");
  body.set("start", event.startStr);
  body.set("end", event.endStr || "");
  body.set("all_day", event.allDay ? "on" : "");
  tell("");
  if (!(await choose(body, "change"))) return info.revert();
  const answer = await ask(url.move, { method: "POST", body });
  if (!answer.ok) {
    info.revert();
    tell(await answer.text());
  }
  calendar.refetchEvents();
}

function tell(text) {
  status.textContent = text;
  status.hidden = !text;
}
