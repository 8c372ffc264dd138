"""Answers for Prometheus."""

from typing import Any

import orjson
from rest_framework.renderers import BaseRenderer

from analytics import prometheus


class PrometheusRenderer(BaseRenderer):
    media_type = "text/plain"
    format = "prometheus"

    def render(self, data: Any, *_context: Any) -> bytes:
        # errors keep the one shape that they have everywhere
        return data.encode() if isinstance(data, str) else orjson.dumps(data)


class OpenMetricsRenderer(PrometheusRenderer):
    """For scrapers that ask for OpenMetrics first: all of them read the older format, which the header names."""

    media_type = "application/openmetrics-text"
    format = "openmetrics"


CONTENT_TYPES = {renderer.format: prometheus.CONTENT_TYPE for renderer in (PrometheusRenderer, OpenMetricsRenderer)}
