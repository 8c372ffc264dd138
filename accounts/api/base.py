"""The base of API views that act for the caller's organization."""

from typing import Any, ClassVar

from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from accounts.actor import Actor
from accounts.authentication import ApiKeyAuthentication
from accounts.permissions import HasRight, Rights
from accounts.principal import Principal
from accounts.requests import actor_of

__all__ = ["OrganizationAPIView", "OrganizationViewSet", "Rights"]


class _OfOrganization:
    rights: ClassVar[Rights] = {}  # a method that does not stand here is refused
    asks_password: ClassVar[frozenset[str]] = frozenset()  # in browsers: methods that take a recent password
    request: Any

    @property
    def principal(self) -> Principal:
        principal: Principal = self.request.auth
        return principal

    @property
    def actor(self) -> Actor:
        return actor_of(self.request._request, self.principal)


class OrganizationAPIView(_OfOrganization, APIView):
    authentication_classes = [ApiKeyAuthentication]
    permission_classes = [HasRight]


class OrganizationViewSet(_OfOrganization, ViewSet):
    authentication_classes = [ApiKeyAuthentication]
    permission_classes = [HasRight]
