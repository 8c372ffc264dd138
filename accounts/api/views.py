"""Sign-up, log-in and log-out for programs."""

from typing import ClassVar

from django.contrib.auth import logout
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.base import OrganizationAPIView
from accounts.api.serializers import AccountSerializer, LogInSerializer, SignUpSerializer
from accounts.permissions import Rights
from accounts.requests import origin_of
from accounts.services import people


class OpenAPIView(APIView):
    """An address that everybody may call."""

    authentication_classes = []
    permission_classes = [AllowAny]


class SignUpView(OpenAPIView):
    @extend_schema(
        summary="Sign up",
        description="Makes an account, the organization it owns, and a key that may do everything there.",
        request=SignUpSerializer,
        responses={
            201: AccountSerializer,
            409: OpenApiResponse(description="the email cannot be used"),
            429: OpenApiResponse(description="too many sign-ups from one address; wait as long as Retry-After says"),
        },
        auth=[],
        tags=["auth"],
    )
    def post(self, request: Request) -> Response:
        given = SignUpSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        fields = given.validated_data
        made = people.sign_up(
            fields["email"],
            fields["password"],
            full_name=fields["full_name"],
            organization_name=fields["org_name"],
            origin=origin_of(request._request),
        )
        return Response({"api_key": made.api_key, "user_id": made.user.pk, "org_id": made.organization.pk}, status=201)


class LogInView(OpenAPIView):
    @extend_schema(
        summary="Log in",
        description="Answers with a new key for 30 days. A person has ten of these at most; the oldest ends first.",
        request=LogInSerializer,
        responses={
            200: AccountSerializer,
            401: OpenApiResponse(
                description="wrong email or password; code `mfa_required`: the second factor is missing or wrong"
            ),
            429: OpenApiResponse(description="too many failures; wait as long as Retry-After says"),
        },
        auth=[],
        tags=["auth"],
    )
    def post(self, request: Request) -> Response:
        given = LogInSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        fields = given.validated_data
        made = people.log_in(
            fields["email"], fields["password"], code=fields["code"], origin=origin_of(request._request)
        )
        return Response({"api_key": made.api_key, "user_id": made.user_id, "org_id": made.organization_id})


class LogOutView(OrganizationAPIView):
    rights: ClassVar[Rights] = {"POST": None}

    @extend_schema(
        summary="Log out",
        description="Ends the browser session, or the key if a log-in made it. Other keys stay valid.",
        request=None,
        responses={204: None},
        tags=["auth"],
    )
    def post(self, request: Request) -> Response:
        people.log_out(self.actor)
        if self.principal.key_id is None:
            logout(request._request)
        return Response(status=204)
