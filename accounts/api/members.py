"""Members of the organization, for programs."""

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import selectors_members
from accounts.api import pagination
from accounts.api.base import OrganizationAPIView
from accounts.api.members_serializers import (
    ChangedMemberSerializer,
    HeirSerializer,
    MemberSerializer,
    MembersSerializer,
    RemainingKeySerializer,
    RemovedMemberSerializer,
    RoleSerializer,
)
from accounts.permissions import Rights
from accounts.rights import Right
from accounts.roles import Role
from accounts.services import members

NO_MEMBER = OpenApiResponse(description="there is no such member in this organization")
NO_OWNER = OpenApiResponse(description="the organization would be without an owner")


class MembersView(OrganizationAPIView):
    rights: ClassVar[Rights] = {"GET": Right.READ_MEMBERS}

    @extend_schema(
        summary="Members",
        description="Who belongs to the organization; those who joined first stand first.",
        parameters=pagination.PARAMETERS,
        responses={200: MembersSerializer, 400: OpenApiResponse(description="a parameter is wrong")},
        tags=["members"],
    )
    def get(self, request: Request) -> Response:
        part = pagination.asked(request)
        found = selectors_members.members(self.principal.organization_id, limit=part.limit, after=part.after)
        return Response(pagination.document(found, part, lambda member: MemberSerializer(member).data))


class MemberView(OrganizationAPIView):
    # people may end their own membership; the service asks whose it is
    rights: ClassVar[Rights] = {"PATCH": Right.MANAGE_MEMBERS, "DELETE": Right.READ_MEMBERS}

    @extend_schema(
        summary="Change a member's role",
        description="Only owners name and dismiss owners, and nobody raises themselves. The keys that speak for the "
        "person change with the role at once; keys for programs that they made are listed, so that you can decide.",
        request=RoleSerializer,
        responses={200: ChangedMemberSerializer, 404: NO_MEMBER, 409: NO_OWNER},
        tags=["members"],
    )
    def patch(self, request: Request, member_id: UUID) -> Response:
        given = RoleSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        members.change_role(self.actor, member_id, Role(given.validated_data["role"]))
        changed = selectors_members.member(self.principal.organization_id, member_id)
        return Response({**MemberSerializer(changed).data, "remaining_api_keys": self._remaining(changed.user_id)})

    @extend_schema(
        summary="Remove a member",
        description="Ends the membership and the keys that speak for the person, at once. Keys for programs that they "
        "made belong to the organization and stay; they are listed, so that you can decide.",
        responses={200: RemovedMemberSerializer, 404: NO_MEMBER, 409: NO_OWNER},
        tags=["members"],
    )
    def delete(self, _request: Request, member_id: UUID) -> Response:
        removed = members.remove(self.actor, member_id)
        return Response({"id": str(member_id), "remaining_api_keys": self._remaining(removed.user_id)})

    def _remaining(self, user_id: UUID) -> Any:
        keys = selectors_members.keys_that_stay(self.principal.organization_id, user_id)
        return RemainingKeySerializer(keys, many=True).data


class OwnershipView(OrganizationAPIView):
    # a key for programs acts as an admin: this takes a log-in, or the key that one gives
    rights: ClassVar[Rights] = {"POST": Right.MANAGE_OWNERS}
    asks_password = frozenset({"POST"})

    @extend_schema(
        summary="Hand the ownership on",
        description="Makes another member an owner, and you, who are one, an admin. Takes a key that speaks for a "
        "person: one that signing up or logging in gave.",
        request=HeirSerializer,
        responses={200: MemberSerializer, 404: NO_MEMBER},
        tags=["members"],
    )
    def post(self, request: Request) -> Response:
        given = HeirSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        heir = members.transfer_ownership(self.actor, given.validated_data["member_id"])
        return Response(MemberSerializer(selectors_members.member(self.principal.organization_id, heir.pk)).data)
