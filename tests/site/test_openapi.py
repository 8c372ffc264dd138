"""The OpenAPI document: valid, whole, and its locks have keys."""

import pytest
from django.test import Client
from drf_spectacular.validation import validate_schema


@pytest.fixture
def document(client: Client):
    return client.get("/openapi.json").json()


def test_the_document_is_valid_and_holds_the_gateways_own_addresses(document):
    validate_schema(document)

    assert {"/v1/chat/completions", "/infer", "/v1/models", "/metrics", "/auth/signup"} <= set(document["paths"])


def test_every_lock_has_a_key(document):
    operations = [operation for path in document["paths"].values() for operation in path.values()]

    asked = {name for operation in operations for lock in operation.get("security", []) for name in lock}

    assert asked == set(document["components"]["securitySchemes"])
