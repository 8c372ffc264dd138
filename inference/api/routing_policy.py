"""`/governance/policies/routing`: how an organization's requests are routed, and what is proven of cheaper models."""

import difflib
from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import OrganizationAPIView, Rights
from accounts.rights import Right
from acron_site.lib.api import BriefJsonParser
from acron_site.lib.errors import InvalidRequestError
from inference import selectors_evidence, selectors_proofs, selectors_routing, services_routing
from inference.routing.policies import CascadeUse, Wishes
from inference.selectors_evidence import Standing
from inference.selectors_proofs import ProofLine

_TAGS = ["governance"]
_OPTIONAL: dict[str, Any] = {"required": False, "allow_null": True}


class RoutingSettingSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    value = serializers.JSONField()
    default = serializers.JSONField(help_text="what holds where the organization has set nothing")
    source = serializers.CharField(help_text="where the value comes from")  # type: ignore[assignment]  # not the base's
    description = serializers.CharField()


class RoutingProofSerializer(serializers.Serializer[Any]):
    task_type = serializers.CharField()
    model = serializers.CharField(help_text="the cheaper one")
    reference = serializers.CharField(help_text="the one whose place it takes where that is proven")
    state = serializers.ChoiceField(choices=["prior", "proven", "revoked"])
    has_lapsed = serializers.BooleanField(help_text="proven, but no pair came for so long that it does not hold")
    epsilon = serializers.FloatField(help_text="what is proven: fewer than this share are lost")
    pairs = serializers.IntegerField(help_text="that count: those since the last revocation")
    losses = serializers.IntegerField(help_text="pairs in which the cheaper model's answer was worse")
    upper_bound = serializers.FloatField(help_text="of the share of losses, at 95 %")
    needed = serializers.IntegerField(help_text="how many more pairs without a loss prove it")
    since = serializers.DateTimeField()
    last_pair_at = serializers.DateTimeField(allow_null=True)
    history = serializers.ListField(child=serializers.DictField())


class PredictorFiguresSerializer(serializers.Serializer[Any]):
    rows = serializers.IntegerField(help_text="that were held back")
    prior_log_loss = serializers.FloatField(help_text="of the shipped weights alone; lower is better")
    log_loss = serializers.FloatField(help_text="with what was learnt from the organization's evidence")
    prior_calibration_error = serializers.FloatField(
        help_text="the widest gap, of any model with enough rows, between the mean predicted chance and the share of "
        "good answers, by the shipped weights alone"
    )
    calibration_error = serializers.FloatField(help_text="the same with what was learnt; 0.05 is the most")


class RoutingPredictorSerializer(serializers.Serializer[Any]):
    rows = serializers.IntegerField(help_text="of evidence, when it was fitted: trials leave two each")
    fitted_at = serializers.DateTimeField(allow_null=True, help_text="null: never yet")
    is_trusted = serializers.BooleanField(help_text="whether Autopilot asks it")
    why_not = serializers.CharField(allow_null=True, help_text="null where it is trusted")
    held_out = PredictorFiguresSerializer(allow_null=True, help_text="on rows that it was not fitted on")


class RoutingPolicySerializer(serializers.Serializer[Any]):
    changed_at = serializers.DateTimeField(allow_null=True, help_text="null: nothing is set")
    settings = RoutingSettingSerializer(many=True)
    proofs = RoutingProofSerializer(many=True)
    predictor = RoutingPredictorSerializer()


class RoutingWishesSerializer(serializers.Serializer[Any]):
    quality_threshold = serializers.FloatField(help_text="0 to 5", **_OPTIONAL)
    epsilon = serializers.FloatField(help_text="0.005 to 0.2", **_OPTIONAL)
    explores = serializers.BooleanField(**_OPTIONAL)
    explore_percent = serializers.FloatField(help_text="0 to 100", **_OPTIONAL)
    holdout_percent = serializers.FloatField(help_text="0 to 20", **_OPTIONAL)
    cascades = serializers.ChoiceField(choices=[each.value for each in CascadeUse], **_OPTIONAL)


class RoutingPolicyView(OrganizationAPIView):
    rights: ClassVar[Rights] = {"GET": Right.READ_SETTINGS, "PUT": Right.MANAGE_SETTINGS}
    parser_classes = [BriefJsonParser]

    @extend_schema(
        summary="The routing policy",
        description="What holds for requests that leave the choice of the model open, with each value's default and "
        "where it comes from, what paired answers have proven of cheaper models so far, and how far the predictor "
        "is that learns from them.",
        responses={200: RoutingPolicySerializer},
        tags=_TAGS,
    )
    def get(self, _: Request) -> Response:
        return self._answer()

    @extend_schema(
        summary="Set the routing policy",
        description="Takes the place of what was set before; what is left out or null goes by the operator's settings. "
        "Every worker goes by it within a second, and by proofs for another epsilon within ten.",
        request=RoutingWishesSerializer,
        responses={
            200: RoutingPolicySerializer,
            400: OpenApiResponse(description="a field is wrong, or there is none"),
        },
        tags=_TAGS,
    )
    def put(self, request: Request) -> Response:
        _refuse_unknown(request.data)
        given = RoutingWishesSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        services_routing.put(self.actor, _wishes(given.validated_data))
        return self._answer()

    def _answer(self) -> Response:
        organization_id = self.principal.organization_id
        page = selectors_routing.page(organization_id, services_routing.defaults())
        now = timezone.now()
        document = {
            "changed_at": page.changed_at,
            "settings": page.settings,
            "proofs": [_shown(line) for line in selectors_proofs.lines(organization_id, now)],
            "predictor": _foretelling(selectors_evidence.standing(organization_id, now)),
        }
        return Response(RoutingPolicySerializer(document).data)


def _wishes(given: dict[str, Any]) -> Wishes:
    cascades = given.pop("cascades", None)
    return Wishes(cascades=CascadeUse(cascades) if cascades else None, **given)


def _shown(line: ProofLine) -> dict[str, Any]:
    standing = line.standing
    return {
        "task_type": line.task_type,
        "model": line.model,
        "reference": line.reference,
        "state": standing.state.value,
        "has_lapsed": line.has_lapsed,
        "epsilon": standing.epsilon,
        "pairs": standing.pairs,
        "losses": standing.losses,
        "upper_bound": round(standing.upper_bound, 6),
        "needed": standing.needed,
        "since": line.since,
        "last_pair_at": line.last_pair_at,
        "history": line.history,
    }


def _foretelling(standing: Standing) -> dict[str, Any]:
    figures = standing.figures
    held_out = figures and {
        "rows": figures.rows,
        "prior_log_loss": round(figures.prior_loss, 4),
        "log_loss": round(figures.loss, 4),
        "prior_calibration_error": round(figures.prior_gap, 4),
        "calibration_error": round(figures.gap, 4),
    }
    return {
        "rows": standing.rows,
        "fitted_at": standing.fitted_at,
        "is_trusted": standing.is_trusted,
        "why_not": standing.why_not or None,
        "held_out": held_out,
    }


def _refuse_unknown(given: Any) -> None:
    # a policy that is silently ignored looks as if it held
    known = list(RoutingWishesSerializer().fields)
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"
            raise InvalidRequestError(f"there is no field {name[:64]!r}: {hint}", param=name[:64])
