"""Rows of the sync: connection, mailbox, link, set-aside entry, run and journal.

The mailbox row is the truth about what is due (`seq`, `synced_seq`, `next_due`, `failures`); the engine only runs it.
Whatever a person typed is sealed (`mailboxes.secrets`): base values, journal, tokens, passwords.
"""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q


class Installation(models.Model):
    """One row: the fingerprint of the key files this database belongs to."""

    key_fingerprint = models.CharField(max_length=64)


class Connection(models.Model):
    """The organization's access to Exchange or Microsoft 365 (rule 1.1): one per organization."""

    class Version(models.TextChoices):
        OFFICE365 = "office365", "Office 365"
        E2007 = "2007", "Exchange 2007"
        E2010 = "2010", "Exchange 2010"
        E2013 = "2013", "Exchange 2013"
        E2016 = "2016", "Exchange 2016"
        E2019 = "2019", "Exchange 2019"
        SE = "se", "Exchange SE"

    class Auth(models.TextChoices):
        NTLM = "ntlm", "NTLM"
        BASIC = "basic", "Basic"

    class Mode(models.TextChoices):
        ON_USE = "on_use"
        CONTINUOUS = "continuous"

    class Conflict(models.TextChoices):
        NEWEST = "newest"
        PSA = "psa"
        EXCHANGE = "exchange"

    organization = models.OneToOneField("accounts.Organization", on_delete=models.CASCADE, related_name="connection")
    version = models.CharField(max_length=16, choices=Version.choices, default=Version.OFFICE365)
    enabled = models.BooleanField(default=False)

    domain = models.CharField(max_length=64, blank=True)
    url = models.CharField(max_length=500, blank=True)
    username = models.CharField(max_length=256, blank=True)
    #: Sealed.
    password = models.TextField(blank=True)
    auth = models.CharField(max_length=8, choices=Auth.choices, default=Auth.NTLM)
    #: PEM of the organization's own certificate authority.
    ca_certificate = models.TextField(blank=True)
    #: URL of the http or https proxy that leads to an Exchange Server, without user and password; "": none.
    proxy = models.CharField(max_length=500, blank=True)
    proxy_username = models.CharField(max_length=256, blank=True)
    #: Sealed.
    proxy_password = models.TextField(blank=True)

    #: Tenant verified by its own token and /organization, never taken from the redirect alone.
    tenant = models.CharField(max_length=64, blank=True)
    tenant_name = models.CharField(max_length=256, blank=True)
    consented_at = models.DateTimeField(null=True, blank=True)
    #: Sealed: the sign-in library's cache, so that an idle run asks for no token.
    token_cache = models.TextField(blank=True)

    conflict = models.CharField(max_length=8, choices=Conflict.choices, default=Conflict.NEWEST)
    mode = models.CharField(max_length=12, choices=Mode.choices, default=Mode.ON_USE)
    #: Rule 1.6: show private entries in full where the PSA cannot mask.
    show_private = models.BooleanField(default=False)

    #: Build an Exchange Server last said it is, e.g. "15.0.1497.2"; it counts more than the version chosen.
    server_build = models.CharField(max_length=32, blank=True)
    #: How Microsoft tracks the events of this tenant's calendars (`connectors.graph.events.WholeDelta`); "": not known.
    whole_delta = models.CharField(max_length=8, blank=True)

    #: Digest of the settings the last passed test was made with; switching on needs it to be the present one.
    tested = models.CharField(max_length=64, blank=True)
    tested_at = models.DateTimeField(null=True, blank=True)
    #: Why the connection is paused (rule 10.3), "" when it is not.
    paused_code = models.CharField(max_length=64, blank=True)
    paused_detail = models.CharField(max_length=200, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    #: When the paused connection is tried again.
    probe_at = models.DateTimeField(null=True, blank=True)
    #: The worker process that listens to this server's notifications, and until when it may be believed to.
    listener = models.CharField(max_length=64, blank=True)
    listened_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant"], condition=~Q(tenant=""), name="one_organization_per_tenant")
        ]

    @property
    def is_office365(self) -> bool:
        return self.version == self.Version.OFFICE365


class Consent(models.Model):
    """What a tenant of Microsoft grants an organization, from when somebody claims it until Microsoft bears it out.
    The claim proves nothing: the connection leads to the tenant only when it is `verified`."""

    connection = models.OneToOneField(Connection, on_delete=models.CASCADE, related_name="consent")
    #: As claimed; its id once verified.
    tenant = models.CharField(max_length=256)
    #: The administrator who claims it; None: an operator.
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    #: An operator's, so that an administrator who is gone is not taken for one.
    by_operator = models.BooleanField(default=False)
    #: Calendars are opened mailbox by mailbox at Microsoft (RBAC for Applications), not for the whole tenant.
    scoped = models.BooleanField(default=False)
    #: The administrator signed in there just before, which shows that the tenant is his.
    proved = models.BooleanField(default=False)
    since = models.DateTimeField()
    tries = models.IntegerField(default=0)
    #: When Microsoft is asked again, in real time; None: there is nothing more to ask.
    next_try = models.DateTimeField(null=True)
    verified = models.BooleanField(default=False)
    #: Why it is not verified: so far, or for good when there is no next try.
    code = models.CharField(max_length=64, blank=True)
    detail = models.CharField(max_length=200, blank=True)
    #: In the tenant's own token when last seen, and what it lacked.
    permissions = models.JSONField(default=list)
    missing = models.JSONField(default=list)
    #: By guid of each user: "address" and "matched_by" of his mailbox, else "code".
    found = models.JSONField(default=dict)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["next_try"], name="consent_due")]


class SignIn(models.Model):
    """What a server said to the last that signed in there, for all processes to heed (`doors`; rules 10.2, 10.3)."""

    #: Digest of the server and whose account, or of the sign-in service, the app and the tenant.
    key = models.CharField(max_length=64, primary_key=True)
    #: Keyed digest of the credential it was said of.
    credential = models.CharField(max_length=64)
    #: "throttled", or why it was refused.
    code = models.CharField(max_length=64)
    detail = models.CharField(max_length=200, blank=True)
    #: How often in a row.
    tries = models.IntegerField(default=1)
    #: Nobody signs in until then, real time.
    until = models.DateTimeField()


class Mailbox(models.Model):
    """One user's Exchange calendar as we sync it. Only he switches it on (rule 1.2)."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mailbox")
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="mailboxes")
    on = models.BooleanField(default=False)
    switched_at = models.DateTimeField(null=True, blank=True)

    #: The mailbox's own address and directory id, once found; how it was matched ("primary", "secondary").
    address = models.CharField(max_length=320, blank=True)
    matched_by = models.CharField(max_length=16, blank=True)
    #: Every address of the mailbox as the directory gives them, primary first; [] while unknown (rules 1.3, 4.2).
    aliases = models.JSONField(default=list, blank=True)
    #: "(tenant|host)/(object id|primary address)": unique per installation, a mailbox serves one user (rule 1.3).
    directory_id = models.CharField(max_length=700, null=True, blank=True, unique=True)

    seq = models.BigIntegerField(default=0)
    synced_seq = models.BigIntegerField(default=0)
    next_due = models.DateTimeField(null=True, blank=True, db_index=True)
    failures = models.IntegerField(default=0)
    #: Until then the server wants no request for this mailbox, whoever would send it (rule 10.2).
    wait_until = models.DateTimeField(null=True, blank=True)

    #: Its user wants a series the other side cannot express refused, not brought as single entries (rule 5.5).
    refuse_inexpressible = models.BooleanField(default=False)

    started_on = models.DateField(null=True, blank=True)
    first_run_done = models.BooleanField(default=False)
    accepted_plan = models.CharField(max_length=64, blank=True)
    accept_any = models.BooleanField(default=False)
    #: Digests of an accepted braked plan that is being carried out; [] when none is.
    accepted_actions = models.JSONField(default=list, blank=True)
    #: Plan that waits for a person: "" | "first_run" | "brake", with its id and what it counts.
    waiting_for = models.CharField(max_length=16, blank=True)
    waiting_plan = models.CharField(max_length=64, blank=True)
    waiting_counts = models.JSONField(default=dict, blank=True)
    #: Sealed preview of the waiting plan, for its own user only.
    waiting_preview = models.BinaryField(default=b"")
    stop_asked = models.BooleanField(default=False)
    #: What its user asked for and the next run does first: "undo 17" (a run's id; rule 11.2), "leave psa exchange"
    #: (switch off and remove what the sync made there; rule 12.1); "" otherwise.
    errand = models.CharField(max_length=32, blank=True)
    #: Sealed: what the last errand left as it was, and why; for its user alone.
    errand_result = models.BinaryField(default=b"")

    #: Sealed.
    psa_token = models.TextField(blank=True)
    exchange_token = models.TextField(blank=True)
    #: Seconds the Exchange server's clock was ahead of ours when last heard (rule 7.4).
    clock_ahead = models.FloatField(null=True, blank=True)
    reconciled_on = models.DateField(null=True, blank=True)

    error_code = models.CharField(max_length=64, blank=True)
    error_detail = models.CharField(max_length=200, blank=True)
    last_good_run = models.DateTimeField(null=True, blank=True)
    progress = models.JSONField(default=dict, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["on", "next_due"], name="mailbox_due")]


class Push(models.Model):
    """How a mailbox tells of changes by itself (rule 9.2). It only shortens the wait: polling alone is complete."""

    mailbox = models.OneToOneField(Mailbox, on_delete=models.CASCADE, related_name="push")
    #: Graph's id of the subscription, "" when none stands; EWS keeps its own in the process that listens.
    subscription_id = models.CharField(max_length=100, blank=True, db_index=True)
    #: Directory id and address the subscription was made for: another of either needs another subscription.
    made_for = models.TextField(blank=True)
    #: Sealed: what a notice must carry to be believed.
    secret = models.TextField(blank=True)
    #: Until then the server tells.
    expires_at = models.DateTimeField(null=True, blank=True)
    #: When to see to it again: ahead of its end, or after a failure.
    tend_at = models.DateTimeField(null=True, blank=True)
    error_code = models.CharField(max_length=64, blank=True)
    #: Notices taken, and those that named the subscription but were not believed.
    notices = models.BigIntegerField(default=0)
    ignored = models.BigIntegerField(default=0)


class LinkRow(models.Model):
    """`engine.model.Link` as a row: what we knew of one pair, or of one side alone."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    mailbox = models.ForeignKey(Mailbox, on_delete=models.CASCADE, related_name="link_rows")
    status = models.CharField(max_length=12)
    #: Text without foreign key: Severa has none.
    psa_id = models.CharField(max_length=64, null=True, blank=True)
    item_id = models.CharField(max_length=600, null=True, blank=True)
    uid = models.CharField(max_length=500, blank=True)
    key = models.CharField(max_length=64, blank=True)
    born = models.CharField(max_length=8)
    #: Sealed JSON of both sides' canonical values.
    base = models.BinaryField(default=b"")
    canon_version = models.SmallIntegerField(default=1)
    psa_version = models.CharField(max_length=64, blank=True)
    item_version = models.CharField(max_length=600, blank=True)
    type_id = models.CharField(max_length=64, blank=True)
    #: `engine.model.Role`.
    role = models.CharField(max_length=12, default="owner")
    reason = models.CharField(max_length=16, blank=True)
    #: A person's edit on that side was carried over since: such an entry is his, whoever made it (rule 12.1).
    edited_psa = models.BooleanField(default=False)
    edited_exchange = models.BooleanField(default=False)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["mailbox", "item_id"], name="one_link_per_item"),
            models.UniqueConstraint(fields=["mailbox", "psa_id"], name="one_link_per_activity"),
        ]
        indexes: ClassVar = [
            # Whether a meeting or an activity is a meeting linked in some mailbox (rule 4.3).
            models.Index(fields=["uid"], condition=~Q(uid=""), name="meetings_by_uid"),
            models.Index(fields=["psa_id"], condition=Q(role__in=["organizer", "attendee"]), name="meetings_by_psa_id"),
        ]


class SetAsideRow(models.Model):
    """`engine.model.SetAside` as a row (rule 10.1). Holds codes only."""

    mailbox = models.ForeignKey(Mailbox, on_delete=models.CASCADE, related_name="set_aside_rows")
    side = models.CharField(max_length=8)
    entry_id = models.CharField(max_length=600)
    code = models.CharField(max_length=64)
    params = models.JSONField(default=dict, blank=True)
    tries = models.IntegerField(default=0)
    retry_at = models.DateTimeField(null=True, blank=True)
    version = models.CharField(max_length=600, blank=True)
    #: Its user does not want to hear of it until the entry changes.
    ignored = models.BooleanField(default=False)
    since = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["mailbox", "side", "entry_id"], name="one_set_aside_per_entry")
        ]


class NearMatchRow(models.Model):
    """Two entries that were alike but for one field, and not joined (rule 3.1). Holds ids only."""

    mailbox = models.ForeignKey(Mailbox, on_delete=models.CASCADE, related_name="near_match_rows")
    psa_id = models.CharField(max_length=64)
    item_id = models.CharField(max_length=600)
    #: As `engine.actions.NearMatch.differs`.
    differs = models.CharField(max_length=16)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["mailbox", "psa_id", "item_id"], name="near_match_once")
        ]


class Run(models.Model):
    """One pass over one mailbox."""

    mailbox = models.ForeignKey(Mailbox, on_delete=models.CASCADE, related_name="runs")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    #: "user", "schedule", "change", "operator", "first_run".
    cause = models.CharField(max_length=16)
    #: `sync.run.RunReport` as JSON: numbers and codes only.
    report = models.JSONField(default=dict, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["mailbox", "-started_at"], name="runs_by_mailbox")]


class JournalRow(models.Model):
    """Every write with before and after (rule 11.1); `content` is sealed."""

    mailbox = models.ForeignKey(Mailbox, on_delete=models.CASCADE, related_name="journal")
    run = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, related_name="journal")
    at = models.DateTimeField()
    side = models.CharField(max_length=8)
    kind = models.CharField(max_length=12)
    psa_id = models.CharField(max_length=64, null=True, blank=True)
    item_id = models.CharField(max_length=600, null=True, blank=True)
    rule = models.CharField(max_length=16, blank=True)
    #: What made us write: "sync", "restore", "undo", "leaving".
    cause = models.CharField(max_length=12, default="sync")
    #: PSA id of the person whose edit it carries, or who asked for it; "" when unknown. Text: Severa has no rows here.
    by = models.CharField(max_length=64, blank=True)
    #: False: journalled before it was made, and not heard of since.
    settled = models.BooleanField(default=True)
    #: When its user restored or undid it.
    undone_at = models.DateTimeField(null=True, blank=True)
    content = models.BinaryField(default=b"")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["mailbox", "-at"], name="journal_by_mailbox"),
            models.Index(fields=["psa_id"], name="journal_by_activity"),
            models.Index(fields=["mailbox"], condition=Q(settled=False), name="journal_begun"),
        ]
