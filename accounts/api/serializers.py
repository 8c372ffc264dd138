"""What the account addresses take and give."""

from typing import Any

from django.db import models
from rest_framework import serializers

_LONGEST_PASSWORD = 1000  # hashing time grows with length


class CredentialsSerializer(serializers.Serializer[models.Model]):
    email = serializers.EmailField(max_length=254)
    password = serializers.CharField(max_length=_LONGEST_PASSWORD, trim_whitespace=False, write_only=True)


class LogInSerializer(CredentialsSerializer):
    code = serializers.CharField(
        max_length=64,
        required=False,
        allow_blank=True,
        default="",
        write_only=True,
        help_text="for accounts with a second factor: from the authenticator app, or a recovery code",
    )


class SignUpSerializer(CredentialsSerializer):
    full_name = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    org_name = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class PersonSerializer(serializers.Serializer[models.Model]):
    id = serializers.UUIDField()
    email = serializers.EmailField()
    full_name = serializers.CharField()
    time_zone = serializers.CharField()
    created_at = serializers.DateTimeField()


class PlaceSerializer(serializers.Serializer[models.Model]):
    id = serializers.UUIDField(source="organization_id")
    name = serializers.CharField()
    slug = serializers.CharField()
    role = serializers.CharField(help_text="owner, admin, member or viewer")


class OwnAccountSerializer(serializers.Serializer[Any]):
    user = PersonSerializer()
    organizations = PlaceSerializer(many=True)


class AccountSerializer(serializers.Serializer[models.Model]):
    api_key = serializers.CharField(help_text="shown once; keep it like a password")
    user_id = serializers.UUIDField()
    org_id = serializers.UUIDField()
