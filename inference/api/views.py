"""`GET /models`: the catalogue, for people and scripts that compare prices."""

from typing import ClassVar

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import selectors_provider_credentials
from accounts.api.base import OrganizationAPIView
from accounts.rights import Right
from acron_site.lib.config import Config
from inference.wire import models
from inference.wiring import load_catalog


class ModelsView(OrganizationAPIView):
    rights: ClassVar = {"GET": Right.READ_ANALYTICS}

    @extend_schema(
        summary="Registered models with prices, quality and availability",
        responses={200: {"type": "object", "properties": {"data": {"type": "array", "items": {"type": "object"}}}}},
    )
    def get(self, _: Request) -> Response:
        config: Config = settings.ACRON
        own = selectors_provider_credentials.kept(self.principal.organization_id)
        catalog = load_catalog(config).with_own_keys(own)
        return Response({"data": [models.profile(model) for model in catalog.models]})
