"""Puts the door's addresses into the OpenAPI document; they are no Django views, so nothing can be read off them."""

from typing import Any

from caching.steps import MAX_TAGS
from inference.workflows.graph import MAX_STEPS
from inference.workflows.reading import AUTO

_ERROR = {
    "description": "An error: what is wrong and what to change",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
}
_ERROR_SCHEMA = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "code", "request_id"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": "string", "nullable": True},
                "code": {"type": "string"},
                "request_id": {"type": "string"},
            },
        }
    },
}
_MESSAGES = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "required": ["role"],
        "properties": {"role": {"type": "string"}, "content": {}},
    },
}
_CACHE = {
    "type": "object",
    "properties": {
        "mode": {"type": "string", "enum": ["on", "off", "read", "write"]},
        "ttl": {"type": "integer", "minimum": 0, "description": "Seconds"},
        "threshold": {"type": "number"},
        "namespace": {"type": "string", "maxLength": 128},
        "tiers": {"type": "array", "items": {"type": "integer", "enum": [1, 2, 3]}},
    },
}
_STEERING = {
    "quality_preference": {"type": "string", "enum": ["low", "medium", "high", "max"]},
    "latency_preference": {"type": "string", "enum": ["slow", "normal", "fast", "instant"]},
    "quality_threshold": {"type": "number", "minimum": 0, "maximum": 5},
    "latency_budget_ms": {"type": "integer", "minimum": 1},
    "cost_budget_usd": {"type": "string", "description": "USD, exact"},
    "task_type": {"type": "string"},
    "tags": {"type": "object", "additionalProperties": {"type": "string"}},
    "cascade": {
        "description": "Ask cheap models first, verify their answers, and ask the strong one where that fails",
        "oneOf": [
            {"type": "boolean"},
            {
                "type": "object",
                "properties": {
                    "verify": {"type": "string", "enum": ["agreement", "consistency", "format", "judge"]},
                    "models": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
                    "strong": {"type": "string"},
                    "judge": {"type": "string", "description": "Who is asked whether the answer is right"},
                },
            },
        ],
    },
    "sticky": {
        "type": "boolean",
        "default": True,
        "description": "Stay with the model that answered this conversation before, where that costs no more",
    },
    "cache": _CACHE,
}
_OPTIMISE = {
    "description": "Shorten the conversation: repeated paragraphs, blank space, and old turns beyond the budget",
    "oneOf": [
        {"type": "boolean"},
        {"type": "object", "properties": {"budget_tokens": {"type": "integer", "minimum": 1}}},
    ],
}
_NAMED = {"parameters": [{"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}]}
_ROUTING_MODE = {"type": "string", "enum": ["autopilot", "guided", "explicit"]}
_TEXT = {"type": "string"}
_WHOLE = {"type": "integer"}
_AMOUNT = {"type": "string", "nullable": True, "description": "USD, exact; null when no price is known"}

_STEP = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"},
        "prompt": {"type": "string", "description": "{{other}} stands for the output of the step called other"},
        "messages": _MESSAGES,
        "system": {"type": "string"},
        "depends_on": {"type": "array", "items": {"type": "string"}},
        "model": {"type": "string"},
        "task_type": {"type": "string"},
        "quality_preference": _STEERING["quality_preference"],
        "max_tokens": {"type": "integer", "minimum": 1},
        "temperature": {"type": "number", "minimum": 0, "maximum": 2},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": MAX_TAGS},
    },
}
_WORKFLOW = {
    "description": "Steps that may use each other's outputs, or auto: the prompt is parted if it is several questions",
    "oneOf": [
        {"type": "string", "enum": [AUTO]},
        {
            "type": "object",
            "required": ["steps"],
            "properties": {
                "steps": {"type": "array", "items": _STEP, "minItems": 1, "maxItems": MAX_STEPS},
                "output": {"type": "string", "description": "The step whose output is the answer; else the last one"},
            },
        },
    ],
}
_STEP_ANSWER = {
    "type": "object",
    "required": ["id", "status"],
    "properties": {
        "id": {"type": "string"},
        "status": {"type": "string", "enum": ["ok", "failed", "skipped"]},
        **dict.fromkeys(("model", "provider", "task_type", "route_reason", "cache"), _TEXT),
        "cache_tier": {"type": "integer", "enum": [0, 1, 2, 3]},
        **dict.fromkeys(("tokens_input", "tokens_output"), _WHOLE),
        **dict.fromkeys(("cost", "baseline_cost", "savings"), _AMOUNT),
        "latency_ms": {"type": "number"},
        "response": {"type": "string", "nullable": True},
        "error": {"type": "object", "properties": {"code": {"type": "string"}, "message": {"type": "string"}}},
        "failed_step": {"type": "string", "description": "Whose failure it was skipped for"},
    },
}

_CHAT_REQUEST: dict[str, Any] = {
    "type": "object",
    "required": ["model", "messages"],
    "description": "The whole OpenAI chat completion request; unknown fields go to the provider unchanged.",
    "properties": {
        "model": {
            "type": "string",
            "description": "A model of GET /v1/models, or auto, acron-auto, acron-guided",
        },
        "messages": _MESSAGES,
        "stream": {"type": "boolean"},
        "temperature": {"type": "number", "minimum": 0, "maximum": 2},
        "acron": {
            "type": "object",
            "properties": {
                **_STEERING,
                "routing_mode": _ROUTING_MODE,
                "optimise": _OPTIMISE,
                "workflow": _WORKFLOW,
            },
        },
    },
    "additionalProperties": True,
}
_MESSAGES_REQUEST = {
    "type": "object",
    "required": ["model", "messages", "max_tokens"],
    "description": "The whole request of Anthropic's Messages API; unknown fields go to Anthropic's models unchanged.",
    "properties": {
        "model": _CHAT_REQUEST["properties"]["model"],
        "max_tokens": {"type": "integer", "minimum": 0},
        "messages": _MESSAGES,
        "system": {},
        "stream": {"type": "boolean"},
        "temperature": {"type": "number", "minimum": 0, "maximum": 1},
        "acron": {"type": "object", "properties": {**_STEERING, "routing_mode": _ROUTING_MODE}},
    },
    "additionalProperties": True,
}
_COUNT_REQUEST = {**_MESSAGES_REQUEST, "required": ["model", "messages"]}
_COUNT = {"type": "object", "required": ["input_tokens"], "properties": {"input_tokens": {"type": "integer"}}}
_RESPONSES_REQUEST = {
    "type": "object",
    "required": ["model", "input"],
    "description": (
        "The whole request of OpenAI's Responses API. What only OpenAI can do needs one of its models; what is kept "
        "there (previous_response_id, conversation, background) needs a provider key of your own organization."
    ),
    "properties": {
        "model": {
            "type": "string",
            "description": "A model of GET /v1/models, or auto, acron-auto, acron-guided",
        },
        "input": {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "object"}}]},
        "instructions": {"type": "string"},
        "max_output_tokens": {"type": "integer", "minimum": 1},
        "stream": {"type": "boolean"},
        "temperature": {"type": "number", "minimum": 0, "maximum": 2},
        "acron": {"type": "object", "properties": {**_STEERING, "routing_mode": _ROUTING_MODE}},
    },
    "additionalProperties": True,
}
_EMBEDDINGS_REQUEST = {
    "type": "object",
    "required": ["model", "input"],
    "description": "The whole OpenAI embeddings request; at most 2048 inputs.",
    "properties": {
        "model": {"type": "string", "description": "An embedding model of GET /v1/models"},
        "input": {
            "oneOf": [{"type": "string"}, {"type": "array", "items": {}, "minItems": 1, "maxItems": 2048}],
            "description": "A text, a list of texts, a list of tokens, or a list of such lists",
        },
        "dimensions": {"type": "integer", "minimum": 1},
        "encoding_format": {"type": "string", "enum": ["float", "base64"]},
    },
    "additionalProperties": True,
}
_RESPONSE_ID = {
    "name": "response_id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": "^resp_[A-Za-z0-9_-]{1,200}$"},
}
_INFER_REQUEST = {
    "type": "object",
    "properties": {
        "prompt": {"type": "string"},
        "messages": _MESSAGES,
        "system": {"type": "string"},
        "routing_mode": _ROUTING_MODE,
        "model_override": {"type": "string"},
        **_STEERING,
        "optimise": _OPTIMISE,
        "max_tokens": {"type": "integer", "minimum": 1},
        "temperature": {"type": "number", "minimum": 0, "maximum": 2},
        "stream": {"type": "boolean"},
        "user": {"type": "string"},
        "metadata": {"type": "object"},
        "workflow": _WORKFLOW,
    },
}
_INFER_ANSWER = {
    "type": "object",
    "properties": {
        "request_id": {"type": "string"},
        "response": {"type": "string"},
        "model_used": {"type": "string"},
        "provider": {"type": "string"},
        "routing": {"type": "object"},
        "cache_hit": {"type": "boolean"},
        "cache_tier": {"type": "integer", "enum": [0, 1, 2, 3]},
        "tokens_input": {"type": "integer"},
        "tokens_output": {"type": "integer"},
        "usage": {"type": "object"},
        "cost": _AMOUNT,
        "cost_status": {"type": "string"},
        "baseline_cost": _AMOUNT,
        "savings": _AMOUNT,
        "savings_percent": {"type": "number", "nullable": True},
        "quality_score": {"type": "number", "nullable": True},
        "latency_ms": {"type": "number"},
        "overhead_ms": {"type": "number"},
        "steps": {"type": "array", "items": _STEP_ANSWER},
    },
}


def add_gateway(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A drf-spectacular postprocessing hook."""
    result["components"].setdefault("schemas", {})["Error"] = _ERROR_SCHEMA
    result["paths"] |= {
        "/v1/chat/completions": {
            "post": _operation(
                "chat_completions",
                "Chat completion, OpenAI's format",
                _CHAT_REQUEST,
                {"type": "object"},
                streams=True,
            )
        },
        "/v1/messages": {
            "post": _operation(
                "messages", "Message, Anthropic's format", _MESSAGES_REQUEST, {"type": "object"}, streams=True
            )
        },
        "/v1/messages/count_tokens": {
            "post": _operation("count_tokens", "Tokens of a message, Anthropic's format", _COUNT_REQUEST, _COUNT)
        },
        "/v1/responses": {
            "post": _operation(
                "responses", "Response, OpenAI's format", _RESPONSES_REQUEST, {"type": "object"}, streams=True
            )
        },
        **_kept_responses(),
        "/v1/embeddings": {
            "post": _operation("embeddings", "Embeddings, OpenAI's format", _EMBEDDINGS_REQUEST, {"type": "object"})
        },
        "/infer": {
            "post": _operation("infer", "One inference, ACRON's format", _INFER_REQUEST, _INFER_ANSWER, streams=True)
        },
        "/v1/models": {
            "get": _operation("list_models", "Models, OpenAI's and Anthropic's format", None, {"type": "object"})
        },
        "/v1/models/{name}": {"get": {**_operation("show_model", "One model", None, {"type": "object"}), **_NAMED}},
        "/v1/key": {"get": _operation("own_key", "This key's scopes, limits and spend", None, {"type": "object"})},
    }
    return result


def _kept_responses() -> dict[str, Any]:
    """What OpenAI keeps for an organization's own key."""
    addresses = {
        "": {"get": "Read a kept response", "delete": "Delete a kept response"},
        "/cancel": {"post": "Cancel a response that is made in the background"},
        "/input_items": {"get": "What a kept response was made of"},
    }
    return {
        f"/v1/responses/{{response_id}}{rest}": {
            method: {
                **_operation(f"{method}_response{rest.replace('/', '_')}", summary, None, {"type": "object"}),
                "parameters": [_RESPONSE_ID],
            }
            for method, summary in operations.items()
        }
        for rest, operations in addresses.items()
    }


def _operation(
    name: str, summary: str, request: dict[str, Any] | None, answer: dict[str, Any], *, streams: bool = False
) -> dict[str, Any]:
    content: dict[str, Any] = {"application/json": {"schema": answer}}
    if streams:
        content["text/event-stream"] = {"schema": {"type": "string"}}
    operation: dict[str, Any] = {
        "operationId": name,
        "summary": summary,
        "tags": ["gateway"],
        "security": [{"bearerKey": []}, {"headerKey": []}],
        "responses": {"200": {"description": "The answer", "content": content}, "4XX": _ERROR, "5XX": _ERROR},
    }
    if request:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": request}}}
    return operation
