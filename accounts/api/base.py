"""The base of API views that act for the caller's organisation."""

from typing import Any, ClassVar

from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from accounts.authentication import ApiKeyAuthentication
from accounts.permissions import HasScope, Scopes
from accounts.principal import Principal

__all__ = ["OrganizationAPIView", "OrganizationViewSet", "Scopes"]


class _OfOrganization:
    scopes: ClassVar[Scopes] = {}  # a method that does not stand here is refused
    request: Any

    @property
    def principal(self) -> Principal:
        principal: Principal = self.request.auth
        return principal


class OrganizationAPIView(_OfOrganization, APIView):
    authentication_classes = [ApiKeyAuthentication]
    permission_classes = [HasScope]


class OrganizationViewSet(_OfOrganization, ViewSet):
    authentication_classes = [ApiKeyAuthentication]
    permission_classes = [HasScope]
