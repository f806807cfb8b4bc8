"""The page an invitation leads to: a person sets his first password."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.views import PasswordResetConfirmView
from django.http import HttpResponse
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from samklang.accounts import services
from samklang.accounts.invitations import may_be_invited
from samklang.accounts.models import User


class PasswordForm(SetPasswordForm):
    """Django's, in our words; it checks both fields against each other and against weak passwords."""

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        first, second = self.fields["new_password1"], self.fields["new_password2"]
        first.label, second.label = gettext_lazy("Password"), gettext_lazy("The same password again")
        first.help_text = gettext_lazy("At least 10 characters; a few words make a good one.")

    def save(self, commit: bool = True) -> User:
        services.set_password(self.user, self.cleaned_data["new_password1"], by=self.user)
        user: User = self.user
        return user


@method_decorator([sensitive_post_parameters(), require_http_methods(["GET", "HEAD", "POST"])], name="dispatch")
class Accept(PasswordResetConfirmView):
    """Django's view moves the token from the address into the session before anything is shown, so that it is in no
    other site's log. A link serves who has no password yet, once."""

    form_class = PasswordForm
    template_name = "invitation.html"
    success_url = reverse_lazy("sign-in")

    def get_user(self, uidb64: str) -> User | None:
        found: User | None = super().get_user(uidb64)
        return found if found is not None and may_be_invited(found) else None

    def form_valid(self, form: SetPasswordForm[User]) -> HttpResponse:
        messages.success(self.request, _("Your password is set. Sign in with it."))
        return super().form_valid(form)
