"""What the addresses of members, invitations and policies take and give."""

from typing import Any

from rest_framework import serializers

from accounts.invitation_links import State
from accounts.roles import Role
from accounts.selectors_members import Invited, Member
from accounts.services.organizations import LONGEST_NAME
from accounts.services.retention import LONGEST_DAYS

ROLES = [(role.value, role.value) for role in Role]


class RoleSerializer(serializers.Serializer[Any]):
    role = serializers.ChoiceField(choices=ROLES)


class InviteSerializer(RoleSerializer):
    email = serializers.EmailField(max_length=254)


class HeirSerializer(serializers.Serializer[Any]):
    member_id = serializers.UUIDField(help_text="the member who becomes an owner")


class ChangePoliciesSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=LONGEST_NAME, required=False)
    keeps_content = serializers.BooleanField(
        required=False, help_text="whether prompts and answers are kept, sealed, for `content_retention_days`"
    )
    content_retention_days = serializers.IntegerField(min_value=1, max_value=LONGEST_DAYS, required=False)


class MemberSerializer(serializers.Serializer[Member]):
    id = serializers.UUIDField(help_text="of the membership")
    user_id = serializers.UUIDField()
    email = serializers.EmailField()
    full_name = serializers.CharField()
    role = serializers.ChoiceField(choices=ROLES)
    joined_at = serializers.DateTimeField()
    last_log_in_at = serializers.DateTimeField(allow_null=True)
    has_second_factor = serializers.BooleanField()


class MembersSerializer(serializers.Serializer[Any]):
    data = MemberSerializer(many=True)  # type: ignore[assignment]  # a field of this name, as in every list
    has_more = serializers.BooleanField()
    next = serializers.UUIDField(allow_null=True)


class RemainingKeySerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    prefix = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())


class ChangedMemberSerializer(MemberSerializer):
    remaining_api_keys = RemainingKeySerializer(
        many=True, help_text="keys for programs that this person made; they go on working until somebody revokes them"
    )


class RemovedMemberSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    remaining_api_keys = RemainingKeySerializer(
        many=True, help_text="keys for programs that this person made; they go on working until somebody revokes them"
    )


class InvitationSerializer(serializers.Serializer[Invited]):
    id = serializers.UUIDField()
    email = serializers.EmailField()
    role = serializers.ChoiceField(choices=ROLES)
    invited_by = serializers.CharField(help_text="an email address; empty when that person is gone")
    sent_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    state = serializers.ChoiceField(choices=[(state.value, state.value) for state in (State.OPEN, State.EXPIRED)])


class InvitationsSerializer(serializers.Serializer[Any]):
    data = InvitationSerializer(many=True)  # type: ignore[assignment]  # a field of this name, as in every list
    has_more = serializers.BooleanField()
    next = serializers.UUIDField(allow_null=True)


class SettingSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    value = serializers.JSONField()
    default = serializers.JSONField(allow_null=True)
    source = serializers.CharField(help_text="where the value comes from")  # type: ignore[assignment]  # as `data`
    description = serializers.CharField()


class PoliciesSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(help_text="of the organization")
    name = serializers.CharField()
    slug = serializers.CharField()
    settings = SettingSerializer(many=True)
