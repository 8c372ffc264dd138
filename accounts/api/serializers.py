"""What the account addresses take and give."""

from django.db import models
from rest_framework import serializers

_LONGEST_PASSWORD = 1000  # hashing time grows with length


class LogInSerializer(serializers.Serializer[models.Model]):
    email = serializers.EmailField(max_length=254)
    password = serializers.CharField(max_length=_LONGEST_PASSWORD, trim_whitespace=False, write_only=True)


class SignUpSerializer(LogInSerializer):
    full_name = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    org_name = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class AccountSerializer(serializers.Serializer[models.Model]):
    api_key = serializers.CharField(help_text="shown once; keep it like a password")
    user_id = serializers.UUIDField()
    org_id = serializers.UUIDField()
