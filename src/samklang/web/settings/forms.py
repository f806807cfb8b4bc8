"""The fields of Settings > Integrations > Microsoft Exchange."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.utils.translation import gettext_lazy as _

from samklang.mailboxes import assistant, messages, scripts, services
from samklang.mailboxes.models import Connection


class VersionForm(forms.ModelForm):
    class Meta:
        model = Connection
        fields = ("version",)
        labels = {"version": _("Exchange version")}  # noqa: RUF012


class ServerForm(forms.ModelForm):
    """What an Exchange Server needs: the brief's four fields, and how it is reached."""

    password = forms.CharField(
        label=_("Delegate password"),
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Leave empty to keep the saved one."),
    )

    proxy_password = forms.CharField(
        label=_("Proxy password"),
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Leave empty to keep the saved one."),
    )

    class Meta:
        model = Connection
        fields = (
            *("domain", "url", "username", "password", "auth", "ca_certificate"),
            *("proxy", "proxy_username", "proxy_password"),
        )
        labels = {  # noqa: RUF012
            "domain": _("Domain"),
            "url": _("Exchange URL"),
            "username": _("Delegate username"),
            "auth": _("Sign-in method"),
            "ca_certificate": _("Own certificate authority (PEM)"),
            "proxy": _("Proxy"),
            "proxy_username": _("Proxy username"),
        }
        help_texts = {  # noqa: RUF012
            "domain": _("The organization's NetBIOS domain name."),
            "url": _("The server's EWS address, for example https://outlook.domain.net/EWS/Exchange.asmx"),
            "ca_certificate": _("Only if the server's certificate is issued by your own authority."),
            "proxy": _("Only if the server is reached through a proxy, for example http://proxy.domain.net:3128"),
        }
        widgets = {"ca_certificate": forms.Textarea(attrs={"rows": 3, "spellcheck": "false"})}  # noqa: RUF012

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("url", "username"):
            self.fields[name].required = True

    def clean_url(self) -> str:
        url = str(self.cleaned_data["url"]).strip()
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname or parts.username or parts.password:
            raise forms.ValidationError(
                _(
                    "Give an address that begins with https:// and holds no user name, like https://host/EWS/Exchange.asmx"
                )
            )
        return url

    def clean_proxy(self) -> str:
        try:
            return services.proxy_address(self.cleaned_data["proxy"])
        except services.Refused as refused:
            raise forms.ValidationError(" ".join(messages.explain(refused.code))) from None

    def clean_ca_certificate(self) -> str:
        pem = str(self.cleaned_data["ca_certificate"]).strip()
        if pem:
            from cryptography.x509 import load_pem_x509_certificates

            try:
                load_pem_x509_certificates(pem.encode())
            except ValueError:
                raise forms.ValidationError(_("This is not a certificate in PEM form.")) from None
        return pem


class LookUpForm(ServerForm):
    """The same fields while the URL is what is looked for: anything may stand in it, nothing too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["url"].required = False

    def clean_url(self) -> str:
        return str(self.cleaned_data["url"])


class ScriptForm(forms.Form):
    """What a script is ordered with: by what mailboxes are limited, whom the check tries."""

    kind = forms.ChoiceField(label=_("For whose mailboxes"))
    scope = forms.CharField(
        label=_("Which group, unit or filter"),
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    mailbox = forms.CharField(label=_("User to check with"), required=False)
    full_access = forms.BooleanField(label=_("Full access to the mailboxes besides; not needed"), required=False)

    def __init__(self, connection: Connection, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._connection = connection
        _name_choices(self.fields["kind"], [(kind, _KINDS[kind]) for kind in scripts.KINDS[connection.version]])
        if connection.is_office365:
            self.fields["scope"].help_text = _(
                "A group's name or address, a filter like Department -eq 'Sales', or the id of an administrative unit."
            )
        else:
            self.fields["scope"].help_text = _(
                "A group's name or address, a unit like contoso.com/Staff, or a filter like Department -eq 'Sales'. "
                "Empty for everybody."
            )
        if connection.version not in scripts.FULL_ACCESS:
            del self.fields["full_access"]

    def clean(self) -> None:
        """Leaves the script in `script`."""
        given = self.cleaned_data
        if "kind" not in given:
            return
        scope = scripts.Scope(scripts.Kind(given["kind"]), given["scope"])
        order = scripts.Order(scope=scope, full_access=given.get("full_access", False), mailbox=given["mailbox"])
        try:
            self.script = assistant.script_for(self._connection, order)
        except scripts.ScriptRefused as refused:
            words = " ".join(messages.explain(refused.code))
            self.add_error(refused.field if refused.field in self.fields else None, _ABOUT.get(refused.field, words))


_KINDS = {
    scripts.Kind.EVERYBODY: _("Everybody's"),
    scripts.Kind.GROUP: _("Those of a group's members"),
    scripts.Kind.OU: _("Those in an organizational unit"),
    scripts.Kind.FILTER: _("Those a filter finds (OPATH)"),
    scripts.Kind.UNIT: _("Those in an administrative unit"),
}
#: Where what is missing is not on this form.
_ABOUT = {
    "account": _("Save the delegate account's username first: the script is written for it."),
    "app": _("This installation names no application: the operator sets SAMKLANG_APP_ID."),
}


class PolicyForm(forms.ModelForm):
    class Meta:
        model = Connection
        fields = ("mode", "conflict")
        labels = {  # noqa: RUF012
            "mode": _("When calendars are synced"),
            "conflict": _("When both sides changed the same field"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        in_severa = self.instance.organization.in_severa
        _name_choices(
            self.fields["mode"],
            [
                ("on_use", _("When people use Samklang, and when an entry changes")),
                ("continuous", _("Continuously")),
            ],
        )
        _name_choices(
            self.fields["conflict"],
            [
                ("newest", _("The newest change wins")),
                ("psa", _("%(psa)s wins") % {"psa": self.instance.organization.psa_name}),
                ("exchange", _("Exchange wins")),
            ],
        )
        if in_severa:
            # Nobody but Severa sees who uses it: there is nothing to choose (rule 9.2).
            del self.fields["mode"]


def _name_choices(field: forms.Field, choices: list[tuple[str, Any]]) -> None:
    assert isinstance(field, forms.ChoiceField)
    field.choices = choices
