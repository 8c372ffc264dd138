"""The pages of signing in that differ from allauth's."""

from typing import Any

from allauth.account import views as account_views
from allauth.usersessions import views as session_views
from django.contrib.auth.views import redirect_to_login
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from accounts.services import email_addresses
from accounts.sign_in.forms import EndSessionsForm
from acron_site.lib.errors import AcronError

# how services call what the form calls otherwise
_FIELDS = {"password": "password1", "email": "email"}


class SignUpView(account_views.SignupView):  # type: ignore[misc]
    def form_valid(self, form: Form) -> HttpResponse:
        response: HttpResponse
        try:
            response = super().form_valid(form)
        except AcronError as error:
            form.add_error(_FIELDS.get(error.param or ""), error.message)
            response = self.form_invalid(form)
            response.status_code = error.status
        return response


class EmailView(account_views.EmailView):  # type: ignore[misc]
    """The person's address, and the one they want to change to: confirmed over the link that is sent there."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(request.path)
        email_addresses.keep(request.user)
        response: HttpResponse = super().dispatch(request, *args, **kwargs)
        return response

    def _action_primary(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002
        # an address becomes the person's by its link only
        return HttpResponseRedirect(self.get_success_url())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = self.request.user
        own: dict[str, Any] = {
            "is_verified": email_addresses.is_verified(user),
            "pending": email_addresses.pending(user),
        }
        return {**super().get_context_data(**kwargs), **own}


class SessionsView(session_views.ListUserSessionsView):  # type: ignore[misc]
    form_class = EndSessionsForm


sign_up = SignUpView.as_view()
change_email = EmailView.as_view()
sessions = SessionsView.as_view()
