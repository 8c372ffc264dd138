"""What is set for the organization, for programs."""

from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import selectors_settings
from accounts.api.base import OrganizationAPIView
from accounts.api.members_serializers import ChangePoliciesSerializer, PoliciesSerializer
from accounts.permissions import Rights
from accounts.rights import Right
from accounts.services import policies
from acron_site.lib.errors import InvalidRequestError


class PoliciesView(OrganizationAPIView):
    rights: ClassVar[Rights] = {"GET": Right.READ_SETTINGS, "PATCH": Right.MANAGE_SETTINGS}

    @extend_schema(
        summary="Settings",
        description="What is set for the organization; each setting says its default and where its value comes from.",
        responses={200: PoliciesSerializer},
        tags=["organization"],
    )
    def get(self, _request: Request) -> Response:
        return self._answer()

    @extend_schema(
        summary="Change settings",
        description="Only what is sent changes, all of it or nothing. The slug stays when the name changes.",
        request=ChangePoliciesSerializer,
        responses={200: PoliciesSerializer, 400: OpenApiResponse(description="a field is wrong, or cannot be changed")},
        tags=["organization"],
    )
    def patch(self, request: Request) -> Response:
        _require_changeable(request.data)
        given = ChangePoliciesSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        policies.change(self.actor, **given.validated_data)
        return self._answer()

    def _answer(self) -> Response:
        organization = selectors_settings.organization(self.principal.organization_id)
        settings = selectors_settings.settings_of(organization)
        document = {"id": organization.pk, "name": organization.name, "slug": organization.slug, "settings": settings}
        return Response(PoliciesSerializer(document).data)


def _require_changeable(given: Any) -> None:
    # a setting that is silently ignored looks as if it were changed
    known = list(ChangePoliciesSerializer().fields)
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise InvalidRequestError(
            f"{unknown[0]!r} cannot be changed here; what can is: {', '.join(known)}", param=unknown[0]
        )
    if not given:
        raise InvalidRequestError(f"there is nothing to change; send one of {', '.join(known)}", param=known[0])
