"""The page of an organization's members, and what can be done there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts import selectors_members
from accounts.forms.members import InviteForm, RoleForm
from accounts.pages import PageRequest, page
from accounts.principal import Principal
from accounts.rights import TABLE, Right
from accounts.roles import Role
from accounts.selectors_members import Member
from accounts.services import invitations
from accounts.services import members as services
from acron_site.lib.errors import AcronError, NotFoundError

_MEMBERS_A_PAGE = 200


@dataclass(frozen=True, slots=True)
class Row:
    """A member, and what the viewer may do about them. `roles` is empty where the role cannot be changed."""

    member: Member
    is_self: bool
    roles: tuple[Role, ...]
    may_be_removed: bool
    may_become_owner: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the permission table, one column for each role."""

    right: Right
    allowed: tuple[tuple[Role, bool], ...]


@page(GET=Right.READ_MEMBERS, POST=Right.MANAGE_MEMBERS)
def members(request: PageRequest) -> HttpResponse:
    if request.method != "POST":
        return _page(request)
    form = InviteForm(request.POST, roles=_roles_to_give(request.principal))
    if not form.is_valid():
        return _page(request, form=form, status=400)
    try:
        sent = invitations.invite(request.actor, form.cleaned_data["email"], Role(form.cleaned_data["role"]))
    except AcronError as error:
        form.add_error(error.param if error.param in form.fields else None, error.message)
        return _page(request, form=form, status=error.status)
    messages.success(request, f"The invitation to {sent.email} is on its way.")
    return redirect("members")


@page(POST=Right.MANAGE_MEMBERS)
def change_role(request: PageRequest, member_id: UUID) -> HttpResponse:
    member = _member(request, member_id)
    form = RoleForm(request.POST)
    if not form.is_valid():
        return _page(request, problem="choose one of the roles in the list", status=400)
    try:
        changed = services.change_role(request.actor, member_id, Role(form.cleaned_data["role"]))
    except AcronError as error:
        return _page(request, problem=error.message, status=error.status)
    messages.success(request, f"{member.name} is {changed.role} now.")
    _warn_of_keys(request, member)
    return redirect("members")


@page(GET=Right.MANAGE_MEMBERS, POST=Right.MANAGE_MEMBERS)
def remove(request: PageRequest, member_id: UUID) -> HttpResponse:
    member = _member(request, member_id)
    if member.user_id == request.user.pk:
        return redirect("member-leave")
    if request.method != "POST":
        return _confirm(request, "accounts/members_remove.html", member)
    try:
        services.remove(request.actor, member_id)
    except AcronError as error:
        return _confirm(request, "accounts/members_remove.html", member, error)
    messages.success(request, f"{member.name} does not belong to this organization any more.")
    _warn_of_keys(request, member)
    return redirect("members")


@page(GET=None, POST=None)
def leave(request: PageRequest) -> HttpResponse:
    member = selectors_members.member_of_user(request.principal.organization_id, request.user.pk)
    if member is None:
        raise Http404
    if request.method != "POST":
        return _confirm(request, "accounts/members_leave.html", member)
    try:
        services.leave(request.actor)
    except AcronError as error:
        return _confirm(request, "accounts/members_leave.html", member, error)
    messages.success(request, "You have left the organization.")
    return redirect("getting-started")


@page(GET=Right.MANAGE_OWNERS, POST=Right.MANAGE_OWNERS)
def transfer_ownership(request: PageRequest, member_id: UUID) -> HttpResponse:
    # who it is about comes first: a stranger's member is not there, also for who has just logged in
    _member(request, member_id)
    answer: HttpResponse = _transfer_ownership(request, member_id)
    return answer


@reauthentication_required  # type: ignore[untyped-decorator]  # allauth has no types
def _transfer_ownership(request: PageRequest, member_id: UUID) -> HttpResponse:
    heir = _member(request, member_id)
    if request.method != "POST":
        return _confirm(request, "accounts/members_transfer.html", heir)
    try:
        services.transfer_ownership(request.actor, member_id)
    except AcronError as error:
        return _confirm(request, "accounts/members_transfer.html", heir, error)
    messages.success(request, f"{heir.name} owns this organization now; you are an admin.")
    return redirect("members")


@page(POST=Right.MANAGE_MEMBERS)
def resend_invitation(request: PageRequest, invitation_id: UUID) -> HttpResponse:
    try:
        sent = invitations.resend(request.actor, invitation_id)
    except AcronError as error:
        return _refusal(request, error)
    messages.success(request, f"The invitation to {sent.email} is on its way again; the link sent before has ended.")
    return redirect("members")


@page(POST=Right.MANAGE_MEMBERS)
def revoke_invitation(request: PageRequest, invitation_id: UUID) -> HttpResponse:
    try:
        invitations.revoke(request.actor, invitation_id)
    except AcronError as error:
        return _refusal(request, error)
    messages.success(request, "The invitation is withdrawn; its link has ended.")
    return redirect("members")


def _page(
    request: PageRequest, *, form: InviteForm | None = None, problem: str = "", status: int = 200
) -> HttpResponse:
    principal = request.principal
    found = selectors_members.members(principal.organization_id, limit=_MEMBERS_A_PAGE, after=_after(request))
    rows = [_row(member, principal, request.user.pk) for member in found[:_MEMBERS_A_PAGE]]
    is_managed = principal.may(Right.MANAGE_MEMBERS)
    context = {
        "rows": rows,
        "next": rows[-1].member.id if len(found) > _MEMBERS_A_PAGE else None,
        "invitations": selectors_members.invitations(principal.organization_id) if is_managed else [],
        "form": form or InviteForm(roles=_roles_to_give(principal)),
        "roles": list(Role),
        "permissions": permission_table(),
        "problem": problem,
    }
    return render(request, "accounts/members.html", context, status=status)


def permission_table() -> list[Line]:
    """accounts.rights.TABLE, as people read it."""
    return [Line(right, tuple((role, role.is_at_least(needs.role)) for role in Role)) for right, needs in TABLE.items()]


def _row(member: Member, principal: Principal, viewer_id: UUID) -> Row:
    is_self = member.user_id == viewer_id
    may_change = principal.may(Right.MANAGE_OWNERS if member.role is Role.OWNER else Right.MANAGE_MEMBERS)
    roles = _roles_to_give(principal) if may_change else ()
    if is_self:  # nobody raises themselves
        roles = tuple(role for role in roles if member.role.is_at_least(role))
    return Row(
        member=member,
        is_self=is_self,
        roles=tuple(roles),
        may_be_removed=may_change and not is_self,
        may_become_owner=principal.may(Right.MANAGE_OWNERS) and not is_self,
    )


def _roles_to_give(principal: Principal) -> Sequence[Role]:
    if principal.may(Right.MANAGE_OWNERS):
        return tuple(Role)
    return tuple(role for role in Role if role is not Role.OWNER) if principal.may(Right.MANAGE_MEMBERS) else ()


def _member(request: PageRequest, member_id: UUID) -> Member:
    try:
        return selectors_members.member(request.principal.organization_id, member_id)
    except NotFoundError as error:
        raise Http404 from error


def _confirm(request: PageRequest, template: str, member: Member, error: AcronError | None = None) -> HttpResponse:
    context: dict[str, Any] = {
        "member": member,
        "keys": selectors_members.keys_that_stay(request.principal.organization_id, member.user_id),
        "problem": error.message if error else "",
    }
    return render(request, template, context, status=error.status if error else 200)


def _refusal(request: PageRequest, error: AcronError) -> HttpResponse:
    if isinstance(error, NotFoundError):
        raise Http404 from error
    return _page(request, problem=error.message, status=error.status)


def _warn_of_keys(request: PageRequest, member: Member) -> None:
    keys = selectors_members.keys_that_stay(request.principal.organization_id, member.user_id)
    if keys:
        named = ", ".join(f"{key.name} ({key.prefix})" for key in keys[:10])
        messages.warning(request, f"Keys for programs that {member.name} made go on working: {named}. See API keys.")


def _after(request: HttpRequest) -> UUID | None:
    try:
        return UUID(request.GET["after"]) if "after" in request.GET else None
    except ValueError:
        return None  # a mangled link shows the beginning
