// Drives an Exchange with ews-javascript-api, the port of Microsoft's own client: a JSON order per line of standard
// input, a JSON answer per line of standard output. Order and answer are those of exchangelib_client.py, with fewer steps; it alone speaks
// Exchange 2007.
import { createInterface } from "node:readline";
import { XhrApi } from "@ewsjs/xhr";
import ews from "ews-javascript-api";
import * as plain from "./ews_javascript_plain.mjs";

// By the names tests use: "2007_sp1", "2013", "v2017_07_11".
const version = (name) => ews.ExchangeVersion[Object.keys(ews.ExchangeVersion).find((known) => known.replace("Exchange", "").toLowerCase() === name)];
let order;
let service;

function connect() {
  const xhr = new XhrApi();
  if (order.auth === "ntlm") xhr.useNtlmAuthentication(order.username, order.password);
  ews.ConfigurationApi.ConfigureXHR(xhr);
  const zone = ews.TimeZoneInfo.FindSystemTimeZoneById(order.zone ?? "W. Europe Standard Time");
  service = new ews.ExchangeService(version(order.version), zone);
  service.Url = new ews.Uri(order.ews);
  service.Credentials = new ews.WebCredentials(order.username, order.password);
  // 2007 knows no ConnectingSID/SmtpAddress.
  const by = order.version === "2007_sp1" ? ews.ConnectingIdType.PrincipalName : ews.ConnectingIdType.SmtpAddress;
  service.ImpersonatedUserId = new ews.ImpersonatedUserId(by, order.address);
}

const MARK = new ews.ExtendedPropertyDefinition(new ews.Guid("5f2b8c0a-1111-4b7e-9a55-0d7f6a3b9c01"), "OracleMark", ews.MapiPropertyType.String);
const CALENDAR = new ews.FolderId(ews.WellKnownFolderName.Calendar);
const properties = (...more) => new ews.PropertySet(ews.BasePropertySet.FirstClassProperties, [MARK, ...more]);
const DAY = (name) => ews.DayOfTheWeek[name[0].toUpperCase() + name.slice(1)];

function fill(item, fields) {
  for (const [name, value] of Object.entries(fields)) {
    if (name === "subject") item.Subject = value;
    else if (name === "location") item.Location = value;
    else if (name === "body") item.Body = new ews.MessageBody(ews.BodyType.Text, value);
    else if (name === "start") item.Start = new ews.DateTime(value);
    else if (name === "end") item.End = new ews.DateTime(value);
    else if (name === "is_all_day") item.IsAllDayEvent = value;
    else if (name === "sensitivity") item.Sensitivity = ews.Sensitivity[value];
    else if (name === "categories") for (const category of value) item.Categories.Add(category);
    else if (name === "mark") item.SetExtendedProperty(MARK, value);
    else if (name === "required_attendees") for (const address of value) item.RequiredAttendees.Add(address);
    else if (name === "recurrence") item.Recurrence = recurrence(value);
    else throw new Error(`no field ${name}`);
  }
}

function recurrence({ pattern, boundary }) {
  const start = new ews.DateTime(boundary.start);
  const made = {
    Daily: () => new ews.Recurrence.DailyPattern(start, pattern.interval),
    Weekly: () => new ews.Recurrence.WeeklyPattern(start, pattern.interval, pattern.weekdays.map(DAY)),
    AbsoluteMonthly: () => new ews.Recurrence.MonthlyPattern(start, pattern.interval, pattern.day_of_month),
  }[pattern.kind]();
  if (boundary.number) made.NumberOfOccurrences = boundary.number;
  else if (boundary.end) made.EndDate = new ews.DateTime(boundary.end);
  else made.NeverEnds();
  return made;
}

const iso = (moment) => (moment ? moment.ToISOString() : undefined);
function shown(item) {
  const told = {
    id: item.Id.UniqueId,
    changekey: item.Id.ChangeKey,
    subject: item.Subject,
    start: iso(item.Start),
    end: iso(item.End),
    is_all_day: item.IsAllDayEvent,
    type: ews.AppointmentType[item.AppointmentType],
  };
  const mark = { outValue: null };
  if (item.TryGetProperty(MARK, mark)) told.mark = mark.outValue;
  return told;
}
const detail = (item) => ({
  ...shown(item),
  uid: item.ICalUid,
  location: item.Location,
  body: item.Body.Text,
  sensitivity: ews.Sensitivity[item.Sensitivity],
  categories: item.Categories.GetEnumerator(),
  response: ews.MeetingResponseType[item.MyResponseType],
  organizer: item.Organizer?.Address,
  cancelled: item.IsCancelled,
  people: [
    ["required", item.RequiredAttendees],
    ["optional", item.OptionalAttendees],
    ["resource", item.Resources],
  ].flatMap(([kind, list]) => list.GetEnumerator().map((one) => [kind, one.Address, ews.MeetingResponseType[one.ResponseType]])),
  recurrence: item.Recurrence ? item.Recurrence.constructor.name : undefined,
  modified: (item.ModifiedOccurrences?.GetEnumerator() ?? []).map((o) => [iso(o.OriginalStart), iso(o.Start)]),
  deleted: (item.DeletedOccurrences?.GetEnumerator() ?? []).map((o) => iso(o.OriginalStart)),
});
const bind = (step) =>
  step.index
    ? ews.Appointment.BindToOccurrence(service, new ews.ItemId(step.id), step.index, properties())
    : ews.Appointment.Bind(service, new ews.ItemId(step.id), properties());

const steps = {
  async create({ fields, send }) {
    const item = new ews.Appointment(service);
    fill(item, fields);
    // For 2007 it wants the zone said (and writes it as MeetingTimeZone); later servers take the service's.
    if (order.version === "2007_sp1") item.StartTimeZone = service.TimeZone;
    await item.Save(ews.SendInvitationsMode[send ?? "SendToNone"]);
    return { id: item.Id.UniqueId, changekey: item.Id.ChangeKey };
  },
  get: async (step) => detail(await bind(step)),
  async update(step) {
    const item = await bind(step);
    fill(item, step.fields);
    const told = ews.SendInvitationsOrCancellationsMode[step.send ?? "SendToNone"];
    await item.Update(ews.ConflictResolutionMode.AlwaysOverwrite, told);
    return { id: item.Id.UniqueId, changekey: item.Id.ChangeKey };
  },
  async delete(step) {
    const item = await bind(step);
    await item.Delete(ews.DeleteMode.HardDelete, ews.SendCancellationsMode[step.send ?? "SendToNone"]);
    return {};
  },
  // `how`: Accept, AcceptTentatively or Decline (with `send`), or CancelMeeting.
  async answer(step) {
    const item = await bind(step);
    const done = step.how === "CancelMeeting" ? await item.CancelMeeting() : await item[step.how](step.send);
    return { id: done?.Appointment?.Id.UniqueId };
  },
  async view({ start, end }) {
    const found = await service.FindAppointments(CALENDAR, new ews.CalendarView(new ews.DateTime(start), new ews.DateTime(end)));
    return found.Items.map(shown);
  },
  async filter({ mark }) {
    const view = new ews.ItemView(100);
    view.PropertySet = properties();
    const found = await service.FindItems(CALENDAR, new ews.SearchFilter.IsEqualTo(MARK, mark), view);
    return found.Items.map(shown);
  },
  async sync({ state, page }) {
    const changes = [];
    let current = state ?? null;
    for (;;) {
      const got = await service.SyncFolderItems(CALENDAR, ews.PropertySet.IdOnly, [], page ?? 100, ews.SyncFolderItemsScope.NormalItems, current);
      changes.push(...got.GetEnumerator().map((change) => [ews.ChangeType[change.ChangeType], change.ItemId.UniqueId]));
      current = got.SyncState;
      if (!got.MoreChangesAvailable) return { changes, state: current };
    }
  },
  read_plain: ({ ids }) => plain.read(service, ids),
  dates_plain: ({ start, end }) => plain.dates(service, start, end),
  write_plain: ({ meant }) => plain.write(service, meant),
  async resolve({ name }) {
    const found = await service.ResolveName(name);
    return found.GetEnumerator().map((one) => one.Mailbox.Address);
  },
};

function filled(value, results) {
  if (typeof value === "string" && value.startsWith("$")) {
    const [number, ...path] = value.slice(1).split(".");
    return path.reduce((found, part) => found[part], results[Number(number)]);
  }
  if (Array.isArray(value)) return value.map((inner) => filled(inner, results));
  if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, filled(v, results)]));
  return value;
}

async function obeyed() {
  const results = [];
  connect();
  for (const given of order.steps) {
    try {
      const step = filled(given, results);
      results.push(await steps[step.do](step));
    } catch (error) {
      const name = ews.ServiceError[error.ErrorCode] ?? error.constructor.name;
      results.push({ error: name, message: String(error.Message ?? error.message) });
    }
  }
  return results;
}

for await (const line of createInterface({ input: process.stdin })) {
  order = JSON.parse(line);
  process.stdout.write(`${JSON.stringify(await obeyed())}\n`);
}
