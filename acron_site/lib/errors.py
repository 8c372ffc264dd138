"""The errors a caller of ACRON can meet: a status, a code and a sentence that says what to do."""

from collections.abc import Mapping
from typing import Any, ClassVar


class AcronError(Exception):
    """Base of every error that is shown to a caller.

    `status` is the HTTP status, `code` the stable machine-readable name, `type` the family as OpenAI's
    clients know it. `param` names the offending field; `headers` go out with the answer.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    type: ClassVar[str] = "api_error"

    def __init__(self, message: str, *, param: str | None = None, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.headers = dict(headers or {})


class InvalidRequestError(AcronError):
    status, code, type = 400, "invalid_request_error", "invalid_request_error"


class InvalidApiKeyError(AcronError):
    status, code, type = 401, "invalid_api_key", "authentication_error"


class SecondFactorRequiredError(AcronError):
    """The password is right; a one-time code is missing or wrong."""

    status, code, type = 401, "mfa_required", "authentication_error"


class InsufficientScopeError(AcronError):
    status, code, type = 403, "insufficient_scope", "permission_error"


class AddressNotAllowedError(InsufficientScopeError):
    code = "address_not_allowed"


class NotFoundError(AcronError):
    status, code, type = 404, "not_found", "invalid_request_error"


class UnknownModelError(NotFoundError):
    code = "model_not_found"


class MethodNotAllowedError(AcronError):
    status, code, type = 405, "method_not_allowed", "invalid_request_error"


class ConflictError(AcronError):
    status, code, type = 409, "conflict", "invalid_request_error"


class RequestTooLargeError(AcronError):
    status, code, type = 413, "request_too_large", "invalid_request_error"


class UnsupportedMediaTypeError(AcronError):
    status, code, type = 415, "unsupported_media_type", "invalid_request_error"


class RateLimitedError(AcronError):
    status, code, type = 429, "rate_limit_exceeded", "rate_limit_error"


class UpstreamError(AcronError):
    """The provider failed or answered something that is no answer."""

    status, code, type = 502, "upstream_error", "api_error"


class UpstreamUnreachableError(UpstreamError):
    """The provider was never asked, so nothing can have been billed."""


class NoModelsAvailableError(AcronError):
    status, code, type = 503, "no_models_available", "api_error"


class OverloadedError(AcronError):
    status, code, type = 503, "overloaded", "api_error"


class UpstreamTimeoutError(AcronError):
    status, code, type = 504, "upstream_timeout", "api_error"


class UpstreamNotReachedError(UpstreamTimeoutError, UpstreamUnreachableError):
    """No connection came about in time: a time-out, but of a call that nobody has heard."""


def error_body(error: AcronError, request_id: str) -> dict[str, Any]:
    """The one error shape of the whole product."""
    return {
        "error": {
            "message": error.message,
            "type": error.type,
            "param": error.param,
            "code": error.code,
            "request_id": request_id,
        }
    }
