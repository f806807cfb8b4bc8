// Entries as plain values (tests/meant/table.py says which), read and written with ews-javascript-api.
//
// What is read: instants as ISO text in UTC (of whole days their midnights), zones by their Windows names, dates of a
// series by their original start.
import ews from "ews-javascript-api";

// The mark our client puts on what it makes.
const KEY = new ews.ExtendedPropertyDefinition(
  new ews.Guid("6f0d1c4e-52a7-4b0f-9a3e-8c1d7f2b9e45"),
  "SamklangKey",
  ews.MapiPropertyType.String,
);
const CALENDAR = new ews.FolderId(ews.WellKnownFolderName.Calendar);
const DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const GROUPS = { Day: DAYS, Weekday: DAYS.slice(0, 5), WeekendDay: DAYS.slice(5) };
const SHOWS = { OOF: "oof", WorkingElsewhere: "elsewhere" };
const capital = (name) => name[0].toUpperCase() + name.slice(1);
const iso = (moment) => moment.ToISOString();

// --- reading

const is2007 = (service) => service.RequestedServerVersion === ews.ExchangeVersion.Exchange2007_SP1;

function properties(service) {
  // 2007 has one zone, which comes with the others.
  const zones = is2007(service) ? [] : [ews.AppointmentSchema.StartTimeZone, ews.AppointmentSchema.EndTimeZone];
  const wanted = new ews.PropertySet(ews.BasePropertySet.FirstClassProperties, [KEY, ...zones]);
  wanted.RequestedBodyType = ews.BodyType.Text;
  return wanted;
}

async function bound(service, ids) {
  if (!ids.length) return [];
  const found = await service.BindToItems(ids, properties(service));
  return found.Responses.map((response) => {
    if (!response.Item) throw new Error(response.ErrorMessage);
    return response.Item;
  });
}

export async function read(service, ids) {
  const items = await bound(service, ids.map((id) => new ews.ItemId(id)));
  const changed = items.flatMap((item) => occurrences(item).map((each) => each.ItemId));
  const own = await bound(service, changed);
  const contents = new Map(changed.map((id, place) => [id.UniqueId, own[place]]));
  return items.map((item) => told(item, contents));
}

// UID -> the starts of all that takes place between two dates, in order.
export async function dates(service, start, end) {
  const view = new ews.CalendarView(new ews.DateTime(`${start}T00:00:00Z`), new ews.DateTime(`${end}T00:00:00Z`));
  const found = {};
  for (const item of (await service.FindAppointments(CALENDAR, view)).Items) (found[item.ICalUid] ??= []).push(iso(item.Start));
  return found;
}

const occurrences = (item) => (item.Recurrence ? (item.ModifiedOccurrences?.GetEnumerator() ?? []) : []);

function told(item, contents) {
  const key = { outValue: null };
  item.TryGetProperty(KEY, key);
  const people = { required: item.RequiredAttendees, optional: item.OptionalAttendees, resource: item.Resources };
  const rule = item.Recurrence;
  return {
    ...content(item),
    uid: item.ICalUid,
    windows: item.StartTimeZone?.Id,
    end_windows: is2007(item.Service) ? item.StartTimeZone?.Id : item.EndTimeZone?.Id,
    rule: rule ? pattern(rule) : null,
    first: rule ? day(rule.StartDate) : null,
    changed: Object.fromEntries(occurrences(item).map((each) => [iso(each.OriginalStart), content(contents.get(each.ItemId.UniqueId))])),
    cancelled: rule ? (item.DeletedOccurrences?.GetEnumerator() ?? []).map((each) => iso(each.OriginalStart)) : [],
    people: Object.entries(people).flatMap(([kind, list]) => list.GetEnumerator().map((one) => [kind, one.Address])),
    reminder: item.IsReminderSet ? item.ReminderMinutesBeforeStart : null,
    categories: item.Categories.GetEnumerator(),
    key: key.outValue,
  };
}

function content(item) {
  const shows = ews.LegacyFreeBusyStatus[item.LegacyFreeBusyStatus];
  return {
    title: item.Subject ?? "",
    place: item.Location ?? "",
    text: (item.Body.Text ?? "").replaceAll("\r\n", "\n").replace(/\n$/, ""),
    sensitivity: ews.Sensitivity[item.Sensitivity].toLowerCase(),
    shows: SHOWS[shows] ?? shows.toLowerCase(),
    start: iso(item.Start),
    end: iso(item.End),
    all_day: item.IsAllDayEvent,
  };
}

const day = (moment) => iso(moment).slice(0, 10);
const named = (value) => [GROUPS[ews.DayOfTheWeek[value]] ?? ews.DayOfTheWeek[value].toLowerCase()].flat();

function pattern(rule) {
  const kind = rule.constructor.name;
  const every = { DailyPattern: "daily", WeeklyPattern: "weekly", MonthlyPattern: "monthly", RelativeMonthlyPattern: "monthly" }[kind] ?? "yearly";
  const relative = kind.startsWith("Relative");
  const weekly = every === "weekly";
  const first = weekly ? rule.firstDayOfWeek : null;
  return {
    every,
    interval: every === "yearly" ? 1 : Number(rule.Interval),
    days: weekly ? rule.DaysOfTheWeek.GetEnumerator().flatMap(named) : relative ? named(rule.DayOfTheWeek) : [],
    week_start: first === null ? null : ews.DayOfTheWeek[first].toLowerCase(),
    day: ["MonthlyPattern", "YearlyPattern"].includes(kind) ? rule.DayOfMonth : null,
    position: relative ? ews.DayOfTheWeekIndex[rule.DayOfTheWeekIndex].toLowerCase() : null,
    month: every === "yearly" ? rule.Month : null,
    until: rule.EndDate ? day(rule.EndDate) : null,
    count: rule.NumberOfOccurrences ?? null,
  };
}

// --- writing

// Makes the entry and what differs on its dates; its id.
export async function write(service, meant) {
  const item = new ews.Appointment(service);
  fill(item, meant);
  item.StartTimeZone = ews.TimeZoneInfo.FindSystemTimeZoneById(meant.windows);
  if (!is2007(service))
    item.EndTimeZone = ews.TimeZoneInfo.FindSystemTimeZoneById(meant.end_windows ?? meant.windows);
  if (meant.rule) item.Recurrence = recurrence(meant.rule, meant.start.slice(0, 10), service);
  const lists = { required: item.RequiredAttendees, optional: item.OptionalAttendees, resource: item.Resources };
  for (const [kind, address] of meant.people) lists[kind].Add(address);
  await item.Save(ews.SendInvitationsMode.SendToNone);
  if (Object.keys(meant.slots).length) await vary(service, item.Id, meant);
  return item.Id.UniqueId;
}

async function vary(service, id, meant) {
  const [master] = await bound(service, [id]);
  const view = new ews.CalendarView(master.Start, master.Start.AddDays(60));
  const there = (await service.FindAppointments(CALENDAR, view)).Items.filter((item) => item.ICalUid === master.ICalUid);
  for (const [date, slot] of Object.entries(meant.slots)) {
    const found = there.find((item) => Date.parse(iso(item.Start)) === Date.parse(slot));
    const [item] = await bound(service, [found.Id]);
    if (meant.cancelled.includes(date)) {
      await item.Delete(ews.DeleteMode.HardDelete, ews.SendCancellationsMode.SendToNone);
      continue;
    }
    fill(item, meant.changed[date]);
    await item.Update(ews.ConflictResolutionMode.AlwaysOverwrite, ews.SendInvitationsOrCancellationsMode.SendToNone);
  }
}

// It puts texts into its XML as they are.
const escaped = (text) => text.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);

// `from` and `to`: the instants of start and end.
function fill(item, { title, place, text, sensitivity, shows, from, to, all_day }) {
  if (title !== undefined) item.Subject = escaped(title);
  if (place !== undefined) item.Location = escaped(place);
  if (text !== undefined) item.Body = new ews.MessageBody(ews.BodyType.Text, escaped(text));
  if (sensitivity !== undefined) item.Sensitivity = ews.Sensitivity[capital(sensitivity)];
  const name = { oof: "OOF", elsewhere: "WorkingElsewhere" }[shows] ?? (shows && capital(shows));
  if (name) item.LegacyFreeBusyStatus = ews.LegacyFreeBusyStatus[name];
  if (from === undefined) return;
  item.Start = new ews.DateTime(from);
  item.End = new ews.DateTime(to);
  item.IsAllDayEvent = all_day;
}

function recurrence(rule, first, service) {
  const start = new ews.DateTime(first);
  const days = rule.days.map((name) => ews.DayOfTheWeek[capital(name)]);
  const group = Object.keys(GROUPS).find((name) => String(GROUPS[name]) === String(rule.days));
  const one = group ? ews.DayOfTheWeek[group] : days[0];
  const position = rule.position && ews.DayOfTheWeekIndex[capital(rule.position)];
  const made = {
    daily: () => new ews.Recurrence.DailyPattern(start, rule.interval),
    weekly: () => new ews.Recurrence.WeeklyPattern(start, rule.interval, days),
    monthly: () =>
      rule.position
        ? new ews.Recurrence.RelativeMonthlyPattern(start, rule.interval, one, position)
        : new ews.Recurrence.MonthlyPattern(start, rule.interval, rule.day),
    yearly: () =>
      rule.position
        ? new ews.Recurrence.RelativeYearlyPattern(start, rule.month, one, position)
        : new ews.Recurrence.YearlyPattern(start, rule.month, rule.day),
  }[rule.every]();
  // It says where a week begins from 2010 SP1 on.
  if (rule.week_start && service.RequestedServerVersion >= ews.ExchangeVersion.Exchange2010_SP1)
    made.FirstDayOfWeek = ews.DayOfTheWeek[capital(rule.week_start)];
  if (rule.count) made.NumberOfOccurrences = rule.count;
  else if (rule.until) made.EndDate = new ews.DateTime(rule.until);
  else made.NeverEnds();
  return made;
}
