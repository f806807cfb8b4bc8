"""Listening to Exchange Servers (rule 9.2): a notice makes a mailbox due; what cannot be heard is polled all the same.

Each server has one worker process that listens to it, by a lease in the connection's row, and in that process a thread
for each group of its mailboxes.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

from django.db import close_old_connections, connections
from django.db.models import Q, QuerySet

from samklang.clock import now, real_now
from samklang.connectors.ews.streaming import MINUTES, MOST, Stream
from samklang.mailboxes import access, dirty, outcome, push, services
from samklang.mailboxes.models import Connection, Mailbox
from samklang.sync.errors import ConnectionRefused, ItemError, MailboxError, NotFound, SyncError, Throttled

log = logging.getLogger("samklang.push")

#: Seconds between two looks at who is to be listened to, and after which a silent listener's place is free.
LOOK, LEASE = 15.0, 60.0
#: Connections at once for one server: as many as the least generous of them holds open (EWS facts §2.3, 2013).
GROUPS = 3
#: Seconds to the next try after a failure; each failure doubles them.
FIRST_WAIT, LONGEST_WAIT = 30.0, 1800.0
_TAIL = timedelta(minutes=2)


@contextmanager
def _rows() -> Iterator[None]:
    """A database connection for these few statements: a thread that listens for minutes keeps none."""
    close_old_connections()
    try:
        yield
    finally:
        connections.close_all()


class Listener:
    """What one worker process listens to."""

    def __init__(self) -> None:
        self._name = uuid.uuid4().hex
        self._stopped = threading.Event()
        self._threads: dict[tuple[int, int], threading.Thread] = {}

    def look(self) -> None:
        """Take the servers nobody listens to, and begin with their groups that nobody in this process hears."""
        for connection in _listenable():
            if not (access.streams(connection) and self._claims(connection.pk)):
                continue
            for number in range(GROUPS):
                self._begin(Group(connection.pk, number, self._name, self._stopped))

    def stop(self) -> None:
        self._stopped.set()

    def _claims(self, connection_id: int) -> bool:
        real = real_now()
        free = Q(listener=self._name) | Q(listened_until=None) | Q(listened_until__lt=real)
        until = real + timedelta(seconds=LEASE)
        row = Connection.objects.filter(free, pk=connection_id)
        return bool(row.update(listener=self._name, listened_until=until))

    def _begin(self, group: Group) -> None:
        key = (group.connection_id, group.number)
        running = self._threads.get(key)
        if (running is None or not running.is_alive()) and group.members():
            self._threads[key] = threading.Thread(target=group.run, name="listener", daemon=True)
            self._threads[key].start()


def _listenable() -> QuerySet[Connection]:
    """Exchange Servers of organizations that want to hear of changes; not each can tell of them."""
    wanted = Connection.objects.filter(enabled=True, paused_code="", mode=Connection.Mode.CONTINUOUS)
    return wanted.exclude(version=Connection.Version.OFFICE365)


class Group:
    """Some mailboxes of one server, heard over one connection. `number`: which of the server's groups, from 0."""

    def __init__(self, connection_id: int, number: int, listener: str, stopped: threading.Event) -> None:
        self.connection_id, self.number = connection_id, number
        self._listener, self._stopped = listener, stopped
        self._stream: Stream | None = None
        #: Subscriptions by mailbox; they outlive a connection (EWS facts §2.3).
        self._ids: dict[int, str] = {}

    def members(self) -> dict[int, str]:
        """Addresses by mailbox id."""
        rows = Mailbox.objects.filter(_free(), connection_id=self.connection_id, on=True, first_run_done=True)
        rows = rows.filter(user__is_active=True).exclude(address="").order_by("id")
        return dict(rows.values_list("id", "address")[self.number * MOST : (self.number + 1) * MOST])

    def run(self) -> None:
        """Listen until told to stop, or until the server is somebody else's or nobody's to listen to."""
        failures = 0
        with suppress(_Over):
            while True:
                try:
                    failures = 0 if self.hear() else failures + 1
                    self._stopped.wait(min(2.0**failures, LONGEST_WAIT))
                except _Over:
                    raise
                except SyncError as error:
                    wait = self._failed(error, failures)
                    failures += 1
                    self._stopped.wait(wait)
                except Exception:  # such as a database that is being restarted
                    log.warning("listening failed", exc_info=True, extra={"action": "listening_failed"})
                    self._stopped.wait(FIRST_WAIT)

    def hear(self) -> bool:
        """Open one connection, and hear what comes over it until the server closes it. Raises SyncError.

        False when the server lost a subscription: one that always does is not to be asked again at once.
        """
        with _rows():
            self._goes_on()
            members = self.members()
            if not members:
                raise _Over
            connection = Connection.objects.get(pk=self.connection_id)
        try:
            self._subscribe(connection, members)
        finally:
            if self._stream is not None:
                with _rows():
                    access.remember_build(connection, self._stream.server_build)
        if not self._ids:
            raise MailboxError("push_refused")
        stream = self._stream
        assert stream is not None
        with _rows():
            push.listening(self._ids, now() + timedelta(minutes=MINUTES) + _TAIL)
        whole = True
        for told in stream.listen(list(self._ids.values())):
            owners = {id: mailbox for mailbox, id in self._ids.items()}
            for id in told.lost:
                whole = False
                self._ids.pop(owners.get(id, 0), None)
            with _rows():
                # Between a loss and the new subscription anything may have happened.
                dirty.hint(owners[id] for id in told.changed | told.lost if id in owners)
                self._goes_on()
        return whole

    def _subscribe(self, connection: Connection, members: dict[int, str]) -> None:
        anchor = next(iter(members.values()))
        if self._stream is None or self._stream.anchor != anchor:
            if self._stream is not None:
                self._stream.close()
            self._stream, self._ids = access.stream(connection, anchor), {}
        self._ids = {mailbox: id for mailbox, id in self._ids.items() if mailbox in members}
        for mailbox, address in members.items():
            # Its run may have been told to wait while we subscribed to those before it.
            if mailbox not in self._ids and _may_be_asked(mailbox):
                try:
                    self._ids[mailbox] = self._stream.subscribe(address)
                except (ItemError, MailboxError, NotFound, Throttled) as error:
                    _left_to_polling(mailbox, error)

    def _goes_on(self) -> None:
        """Raises _Over."""
        mine = _listenable().filter(pk=self.connection_id, listener=self._listener).first()
        if self._stopped.is_set() or mine is None or not access.streams(mine):
            raise _Over

    def _failed(self, error: SyncError, failures: int) -> float:
        """Note it, forget the connection, and say how many seconds to wait. Raises _Over.

        A server that holds no more connections open for our account still holds the subscriptions; they are heard as
        soon as there is room (EWS facts §2.9), and until then their mailboxes are polled.
        """
        if not isinstance(error, Throttled):
            if self._stream is not None:
                self._stream.close()
            self._stream, self._ids = None, {}
        log.info("not listening", extra={"action": "not_listening", "group": self.connection_id, "code": error.code})
        with _rows():
            # A server that turned out to be too old is nobody's trouble: its mailboxes are polled.
            self._goes_on()
            push.deaf(self.members(), error.code)
            if isinstance(error, ConnectionRefused):
                connection = Connection.objects.get(pk=self.connection_id)
                services.pause(connection, error.code, error.detail, real_now())
                raise _Over from None
        wait = min(FIRST_WAIT * 2.0 ** min(failures, 10), LONGEST_WAIT)
        return max(wait, error.retry_after or 0.0) if isinstance(error, Throttled) else wait


def _free() -> Q:
    """Mailboxes whose server does not ask to wait (rule 10.2)."""
    return Q(wait_until=None) | Q(wait_until__lt=real_now())


def _may_be_asked(mailbox_id: int) -> bool:
    with _rows():
        return Mailbox.objects.filter(_free(), pk=mailbox_id).exists()


class _Over(Exception):
    """There is nothing to listen to here any longer."""


def _left_to_polling(mailbox_id: int, error: SyncError) -> None:
    with _rows():
        push.deaf([mailbox_id], error.code)
        if isinstance(error, Throttled):
            mailbox = Mailbox.objects.get(pk=mailbox_id)
            services.hold_back(mailbox, real_now() + outcome.asked_wait(mailbox, error.retry_after))
