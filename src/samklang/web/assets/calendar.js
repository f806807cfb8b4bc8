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
const status = document.getElementById("calendar-status");
const url = element.dataset;

const calendar = new Calendar(element, {
  plugins: [dayGrid, timeGrid, list, interaction, classic],
  locales: [sv],
  locale: document.documentElement.lang,
  timeZone: "UTC", // wall times as the server gives them
  now: url.now,
  initialView: window.innerWidth < 700 ? "listWeek" : "timeGridWeek",
  headerToolbar: { start: "prev,next today", center: "title", end: "dayGridMonth,timeGridWeek,timeGridDay,listWeek" },
  firstDay: 1,
  height: "auto",
  scrollTime: "08:00:00",
  slotMinTime: "06:00:00",
  slotMaxTime: "21:00:00",
  nowIndicator: true,
  editable: true,
  selectable: true,
  eventInteractive: true,
  dayMaxEvents: 5,
  eventColor: "#1f5f8b",
  eventContrastColor: "#ffffff",
  events: async ({ startStr, endStr }) => {
    const query = new URLSearchParams({ start: startStr, end: endStr });
    const answer = await fetch(`${url.events}?${query}`, { headers: { "X-Requested-With": "fetch" } });
    if (!answer.ok) throw new Error(answer.statusText);
    return answer.json();
  },
  eventClick: ({ event, jsEvent }) => {
    jsEvent.preventDefault();
    open(`${url.form}?id=${event.extendedProps.activity}&day=${event.extendedProps.day}`);
  },
  select: ({ startStr, endStr, allDay }) => {
    open(`${url.form}?start=${encodeURIComponent(startStr)}&end=${encodeURIComponent(endStr)}&all_day=${allDay ? 1 : ""}`);
  },
  eventDrop: move,
  eventResize: move,
});
calendar.render();

document.getElementById("new-entry").addEventListener("click", () => open(url.form));
setInterval(() => document.hidden || dialog.open || calendar.refetchEvents(), 5000);

async function open(address) {
  const answer = await fetch(address);
  if (!answer.ok) return tell(await answer.text());
  show(await answer.text());
  dialog.showModal();
}

function show(html) {
  dialog.innerHTML = html;
  for (const form of dialog.querySelectorAll("form[data-send]")) form.addEventListener("submit", send);
  dialog.querySelector("[data-close]")?.addEventListener("click", () => dialog.close());
  dialog.querySelector("[name=all_day]")?.addEventListener("change", arrange);
  dialog.querySelector("[name=frequency]")?.addEventListener("change", arrange);
  dialog.querySelector("[name=ends]")?.addEventListener("change", arrange);
  arrange();
  dialog.querySelector("[autofocus], input:not([type=hidden])")?.focus();
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

async function send(event) {
  event.preventDefault();
  const form = event.target;
  const body = new FormData(form, event.submitter);
  if (form.dataset.scoped && !(await choose(body))) return;
  const answer = await fetch(event.submitter?.getAttribute("formaction") || form.action, { method: "POST", body });
  if (answer.status === 204) {
    dialog.close();
    calendar.refetchEvents();
    return;
  }
  show(await answer.text());
}

// "This / this and following / all" for an occurrence of a series.
function choose(body) {
  if (body.get("series") !== "1") return Promise.resolve(true);
  scopes.returnValue = "";
  scopes.showModal();
  return new Promise((resolve) => {
    scopes.addEventListener("close", () => {
      if (scopes.returnValue) body.set("scope", scopes.returnValue);
      resolve(Boolean(scopes.returnValue));
    }, { once: true });
  });
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
  if (!(await choose(body))) return info.revert();
  const answer = await fetch(url.move, { method: "POST", body });
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
