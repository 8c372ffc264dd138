"""Invitations to the organization, for programs."""

from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import selectors_members
from accounts.api import pagination
from accounts.api.base import OrganizationAPIView
from accounts.api.members_serializers import InvitationSerializer, InvitationsSerializer, InviteSerializer
from accounts.permissions import Rights
from accounts.rights import Right
from accounts.roles import Role
from accounts.services import invitations

TOO_MANY = OpenApiResponse(
    description=f"more than {invitations.OPEN_AT_MOST} open, or {invitations.SENT_PER_HOUR} sent within an hour"
)
NO_INVITATION = OpenApiResponse(description="there is no such open invitation in this organization")


class InvitationsView(OrganizationAPIView):
    rights: ClassVar[Rights] = {"GET": Right.MANAGE_MEMBERS, "POST": Right.MANAGE_MEMBERS}

    @extend_schema(
        summary="Invitations",
        description="Those that wait for an answer and those that have expired, the newest first.",
        parameters=pagination.PARAMETERS,
        responses={200: InvitationsSerializer, 400: OpenApiResponse(description="a parameter is wrong")},
        tags=["members"],
    )
    def get(self, request: Request) -> Response:
        part = pagination.asked(request)
        found = selectors_members.invitations(self.principal.organization_id, limit=part.limit, after=part.after)
        return Response(pagination.document(found, part, lambda invited: InvitationSerializer(invited).data))

    @extend_schema(
        summary="Invite somebody",
        description=f"Sends a link by email that is good for {invitations.LIFETIME.days} days. The answer does not "
        "tell whether that address has an account.",
        request=InviteSerializer,
        responses={
            201: InvitationSerializer,
            409: OpenApiResponse(description="the person is a member, or there is an open invitation to them"),
            429: TOO_MANY,
        },
        tags=["members"],
    )
    def post(self, request: Request) -> Response:
        given = InviteSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        made = invitations.invite(self.actor, given.validated_data["email"], Role(given.validated_data["role"]))
        return Response(InvitationSerializer(selectors_members.invited(made)).data, status=201)


class InvitationView(OrganizationAPIView):
    rights: ClassVar[Rights] = {"DELETE": Right.MANAGE_MEMBERS}

    @extend_schema(
        summary="Withdraw an invitation",
        description="Its link ends at once.",
        responses={204: None, 404: NO_INVITATION},
        tags=["members"],
    )
    def delete(self, _request: Request, invitation_id: UUID) -> Response:
        invitations.revoke(self.actor, invitation_id)
        return Response(status=204)


class ResendView(OrganizationAPIView):
    rights: ClassVar[Rights] = {"POST": Right.MANAGE_MEMBERS}

    @extend_schema(
        summary="Send an invitation again",
        description="With a new link and the whole time to answer; the link sent before ends.",
        request=None,
        responses={200: InvitationSerializer, 404: NO_INVITATION, 429: TOO_MANY},
        tags=["members"],
    )
    def post(self, _request: Request, invitation_id: UUID) -> Response:
        sent = invitations.resend(self.actor, invitation_id)
        return Response(InvitationSerializer(selectors_members.invited(sent)).data)
