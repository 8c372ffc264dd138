"""No table, no manager and no field by which one organization could reach another's rows."""

import ast
from collections.abc import Iterable

import pytest
from django.apps import apps
from django.db.models import Model

from accounts.models import ApiKey, Membership, Organization, OutgoingEmail, User
from accounts.tenancy import OrganizationScopedModel
from inference.models import PriceEntry
from tests.architecture import source
from tests.architecture.source import Module

# tables that belong to no organization: people are in several, an organization is one itself, a mail goes to a person,
# prices are the operator's
UNSCOPED: set[type[Model]] = {User, Organization, OutgoingEmail, PriceEntry}

# where all organizations may be meant
OPEN_PLACES = {"admin", "tasks", "ledger", "management", "migrations"}
OPEN_FILES = {
    "accounts/tenancy.py": "declares it",
    "accounts/database_records.py": "looks a key up, which says whose it is only afterwards",
    "accounts/invitation_links.py": "looks an invitation up by its token, which says whose it is only afterwards",
    "accounts/sealed_holdings.py": "re-seals everybody's values; run by the operator's command",
    "analytics/content_store.py": "writes what many organizations' requests leave, re-seals and purges it",
    "caching/services_gates.py": "finds whose gates have new checks; called by a task",
    "inference/services_proofs.py": "deletes everybody's pairs that are too old; called by a task",
    "analytics/services.py": "ends abandoned rows of everybody; called by a task",
    "caching/semantic_holdings.py": "re-seals everybody's entries; run by the operator's command",
}

RELATION_FIELDS = {
    "PrimaryKeyRelatedField",
    "SlugRelatedField",
    "HyperlinkedRelatedField",
    "HyperlinkedIdentityField",
    "ModelChoiceField",
    "ModelMultipleChoiceField",
}
RELATION_BASES = {"ModelSerializer", "HyperlinkedModelSerializer", "ModelForm"}


def unscoped(models: Iterable[type[Model]]) -> list[str]:
    """Tables that neither name an organization nor stand in the list of those that need none."""
    return [
        model.__name__ for model in models if not issubclass(model, OrganizationScopedModel) and model not in UNSCOPED
    ]


def unscoped_reads(module: Module) -> list[int]:
    """Lines that go round `for_organization` where only one organization can be meant."""
    if module.path in OPEN_FILES or module.parts & OPEN_PLACES:
        return []
    private = {"all_organizations", "_base_manager", "_default_manager"}
    return [node.lineno for node in ast.walk(module.tree) if isinstance(node, ast.Attribute) and node.attr in private]


def relation_fields(module: Module) -> list[int]:
    """Lines whose form or serializer would accept the id of a stranger's row."""
    found = []
    for node in ast.walk(module.tree):
        names = {source.dotted(base) for base in node.bases} if isinstance(node, ast.ClassDef) else set()
        called = source.dotted(node.func) if isinstance(node, ast.Call) else ""
        last = {name.rpartition(".")[2] for name in (*names, called)}
        if last & (RELATION_BASES if names else RELATION_FIELDS):
            found.append(node.lineno)  # type: ignore[attr-defined]
    return found


def test_every_table_belongs_to_an_organization_or_is_listed():
    ours = [model for app in source.APPS for model in apps.get_app_config(app).get_models(include_auto_created=True)]

    # Django's own tables between a person and the rights of operators
    assert [name for name in unscoped(ours) if not name.startswith("User_")] == []


def test_a_table_without_an_organization_would_be_noticed():
    permission = apps.get_model("auth", "Permission")

    assert unscoped([ApiKey, Membership, permission]) == ["Permission"]


def test_an_unscoped_table_that_is_gone_leaves_the_list():
    assert set(apps.get_models()) >= UNSCOPED
    assert {path for path in OPEN_FILES if not (source.ROOT / path).exists()} == set()


def test_nobody_reads_the_rows_of_all_organizations():
    assert {module.path: lines for module in source.product() if (lines := unscoped_reads(module))} == {}


@pytest.mark.parametrize("name", ["all_organizations", "_base_manager", "_default_manager"])
def test_a_read_of_all_organizations_would_be_noticed(name):
    mistake = f"def keys():\n    return ApiKey.{name}.filter(name='x')\n"

    assert unscoped_reads(Module("accounts/selectors.py", mistake)) == [2]
    assert unscoped_reads(Module("accounts/management/commands/keys.py", mistake)) == []


def test_no_form_or_serializer_accepts_ids_by_itself():
    assert {module.path: lines for module in source.product() if (lines := relation_fields(module))} == {}


@pytest.mark.parametrize(
    "mistake",
    [
        "class KeyForm(forms.ModelForm):\n    pass\n",
        "class KeySerializer(ModelSerializer):\n    pass\n",
        "member = serializers.PrimaryKeyRelatedField(queryset=Membership.objects)\n",
        "class KeyForm(Form):\n    member = forms.ModelChoiceField(None)\n",
    ],
)
def test_a_relation_field_would_be_noticed(mistake):
    assert len(relation_fields(Module("accounts/forms.py", mistake))) == 1
