"""The models file: what it says is what is priced, and what it may not say is refused."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from acron_site.lib.errors import UnknownModelError
from inference import catalog, deployments
from inference.catalog import Catalog, CatalogError, Model

MODELS = Path(__file__).parents[2] / "config" / "models.yaml"
EVERY_KEY = {"OPENAI_API_KEY": "a", "ANTHROPIC_API_KEY": "b", "COHERE_API_KEY": "c"}

SMALL = """
quality_source: prior
providers:
  openai:
    kind: openai
    base_url: "https://api.openai.com/v1/"
    base_url_env: OPENAI_BASE_URL
    api_key_env: OPENAI_API_KEY
  mock: {kind: mock}
models:
  bright:
    provider: openai
    aliases: [clever]
    upstream_model: bright-2
    snapshots: {bright-2026-01-01: {retires_on: 2027-01-14}}
    quality: {default: 4.5, code: 4.8}
    capabilities: [tools]
    prices:
      source: https://example.com/prices
      as_of: 2026-11-12
      standard: {input: 0.1, output: "0.30"}
      long_context: {above: 1_000, standard: {input: 0.2, output: 0.6}}
  pretend: {provider: mock}
"""


@pytest.fixture(scope="module")
def real() -> Catalog:
    return catalog.load(MODELS, EVERY_KEY, mock=False)


@pytest.fixture
def load(tmp_path):
    def load_text(text: str = SMALL, environ: dict[str, str] | None = None, *, mock: bool = False) -> Catalog:
        path = tmp_path / "models.yaml"
        path.write_text(text, encoding="utf-8")
        return catalog.load(path, environ or {}, mock=mock)

    return load_text


def test_every_model_of_ours_says_where_its_prices_come_from_and_when(real):
    for model in real.models:
        assert model.prices.source, model.name
        assert model.prices.as_of == date(2026, 11, 12), model.name


def test_every_chat_model_of_ours_is_priced_graded_and_timed(real):
    for model in real.chat_models():
        rates = model.prices.rates["standard"]
        assert None not in (rates.input, rates.output), model.name
        assert 0 < model.quality_for("anything") <= 5, model.name
        assert model.quality_source in {"prior", "invented"}, model.name
        assert model.latency_ms > 0, model.name


def test_the_newest_models_cost_what_their_providers_publish(real):
    published: dict[str, tuple[int | str, int | str]] = {
        "gpt-6-astra": (10, 50),
        "gpt-6.1-sol": (2, 10),
        "gpt-6.1-terra": (1, 5),
        "gpt-6-luna": ("0.10", "0.50"),
        "claude-fable-5-1": (10, 50),
        "claude-opus-5-5": (4, 20),
        "claude-sonnet-5-5": (2, 10),
        "claude-haiku-5-5": ("0.10", "0.50"),
    }

    for name, (into, out) in published.items():
        rates = real.find(name).prices.rates["standard"]
        assert (rates.input, rates.output) == (Decimal(into) / 10**6, Decimal(out) / 10**6), name


def test_a_cheap_model_meets_the_default_quality_threshold(real):
    assert real.find("gpt-6-luna").quality_for("general") >= 3.5
    assert real.find("claude-haiku-5-5").quality_for("general") >= 3.5


def test_models_that_refuse_sampling_do_not_list_it(real):
    assert "sampling" not in real.find("gpt-6.1-sol").capabilities
    assert "sampling" not in real.find("claude-sonnet-5-5").capabilities
    assert "sampling" in real.find("gpt-4o").capabilities


def test_numbers_are_read_exactly(load):
    model = load().find("bright")

    assert model.prices.rates["standard"].input == Decimal("0.0000001")
    assert model.prices.rates["standard"].output == Decimal("0.0000003")
    assert model.prices.long_context_tokens == 1000


def test_a_model_is_found_by_name_and_by_alias(load):
    models = load()

    assert models.find("clever") is models.find("bright")
    assert models.find("bright").quality_for("code") == 4.8
    assert models.find("bright").quality_for("poetry") == 4.5


def test_a_snapshot_is_called_by_its_own_name_and_never_chosen_automatically(load):
    snapshot = load(environ=EVERY_KEY).find("bright-2026-01-01")

    assert snapshot.upstream_model == "bright-2026-01-01"
    assert snapshot.retires_on == date(2027, 1, 14)
    assert not snapshot.automatic
    assert snapshot.is_available


def test_an_unknown_model_gets_close_names(load):
    with pytest.raises(UnknownModelError, match="no model called 'brigth'; did you mean bright"):
        load().find("brigth")


def test_an_unknown_name_without_likeness_is_shown_shortened(load):
    with pytest.raises(UnknownModelError) as caught:
        load().find("x" * 10_000_000)

    assert len(caught.value.message) < 200


@pytest.mark.parametrize(
    ("answered", "name"),
    [
        ("bright-2", "bright"),
        ("bright-2026-01-01", "bright-2026-01-01"),
        ("bright-2-2026-05-05", "bright"),
        ("bright-2-20260505", "bright"),
        ("/srv/weights/bright", "bright"),
        ("", "bright"),
    ],
)
def test_the_model_that_answered_is_told_by_the_response(load, answered, name):
    models = load()

    assert models.answering(answered, asked=models.find("bright")).name == name


def test_a_model_without_a_key_is_unavailable_and_says_which_key(load):
    advice = "set OPENAI_API_KEY, or bring a key of your own under /settings/providers"
    assert load().find("bright").unavailable_because == advice
    assert load(environ={"OPENAI_API_KEY": ""}).find("bright").unavailable_because == advice
    assert load(environ=EVERY_KEY).find("bright").is_available


def test_mock_models_need_no_key_but_are_chosen_automatically_only_in_mock_mode(load):
    assert load().find("pretend").is_available
    assert not load().find("pretend").automatic
    assert load(mock=True).find("pretend").automatic


def test_in_mock_mode_every_model_is_available_and_simulated(load):
    bright = load(mock=True).find("bright")

    assert (bright.is_available, bright.is_simulated, bright.provider, bright.answered_by) == (
        True,
        True,
        "openai",
        "mock",
    )
    assert load(environ=EVERY_KEY).find("bright").answered_by == "openai"
    assert [model.name for model in load().available_chat_models()] == ["pretend"]


def test_a_base_url_from_the_environment_wins(load):
    assert load().find("bright").base_url == "https://api.openai.com/v1"
    assert load(environ={"OPENAI_BASE_URL": "http://stand-in/v1/"}).find("bright").base_url == "http://stand-in/v1"


def test_a_base_url_from_the_environment_must_be_an_address(load):
    with pytest.raises(CatalogError, match="environment variable OPENAI_BASE_URL: expected an address"):
        load(environ={"OPENAI_BASE_URL": "stand-in"})


@pytest.mark.parametrize("server", ["http://stand-in", "http://stand-in/compatibility/v1/"])
def test_coheres_variable_names_the_server_and_the_path_is_added(server):
    models = catalog.load(MODELS, EVERY_KEY | {"CO_API_URL": server}, mock=False)

    assert models.find("command-a-03-2025").base_url == "http://stand-in/compatibility/v1"


def test_a_model_on_a_server_of_its_own_never_gets_the_providers_key(load):
    own = SMALL.replace("provider: openai\n", "provider: openai\n    base_url: http://my-server/v1\n")

    model = load(own, EVERY_KEY).find("bright")

    assert (model.base_url, model.api_key_env) == ("http://my-server/v1", "")
    assert model.is_available


def test_a_model_may_name_its_own_key(load):
    own = SMALL.replace("provider: openai\n", "provider: openai\n    api_key_env: MY_KEY\n")

    assert load(own, EVERY_KEY).find("bright").unavailable_because.startswith("set MY_KEY")
    assert load(own, {"MY_KEY": "k"}).find("bright").is_available


def test_a_model_that_its_provider_has_switched_off_is_unavailable():
    before = catalog.load(MODELS, EVERY_KEY, mock=False, today=date(2026, 12, 10))
    after = catalog.load(MODELS, EVERY_KEY, mock=False, today=date(2026, 12, 11))

    assert before.find("gpt-5-mini").is_available
    assert "2026-12-11" in after.find("gpt-5-mini").unavailable_because


def test_the_price_version_follows_the_prices_and_nothing_else(load):
    version = load().price_version

    assert load(SMALL.replace("default: 4.5", "default: 4.4")).price_version == version
    assert load(SMALL.replace("input: 0.1,", "input: 0.11,")).price_version != version
    assert version.startswith("2026-11-12.")


def test_a_model_without_prices_is_accepted_and_unpriced(load):
    assert load().find("pretend").prices.rates == {}


def test_models_are_hashable(real):
    assert len(set(real.models)) == len(real.models)
    assert Model(name="a", provider="p", upstream_model="a").quality_for("general") == 0


@pytest.mark.parametrize(
    ("written", "instead", "message"),
    [
        (
            "capabilities:",
            "capabilites:",
            "models bright: unknown field 'capabilites'; did you mean 'capabilities'",
        ),
        ("capabilities: [tools]", "capabilities: [tolls]", "models bright: capabilities: 'tolls' is none of"),
        ("capabilities: [tools]", "capabilities: tools", "capabilities: expected a list of names"),
        ("provider: openai\n", "provider: opnai\n", "provider: expected one of .* did you mean 'openai'"),
        ("provider: openai\n", "kind: chat\n", "models bright: provider is missing"),
        ("provider: openai\n", "provider: openai\n    kind: chta\n", "did you mean 'chat'"),
        (
            "provider: openai\n",
            "provider: openai\n    automatic: maybe\n",
            "automatic: expected true or false",
        ),
        (
            "provider: openai\n",
            "provider: openai\n    latency_ms: fast\n",
            "latency_ms: expected a whole number",
        ),
        (
            "provider: openai\n",
            "provider: openai\n    base_url: my-server\n",
            "base_url: expected an address",
        ),
        ("provider: openai\n", "provider: openai\n    retires_on: soon\n", "retires_on: expected a date"),
        ("provider: openai\n", "provider: [openai]\n", "provider: expected a text"),
        ("input: 0.1,", "inptu: 0.1,", "prices: standard: unknown field 'inptu'; did you mean 'input'"),
        ("input: 0.1,", "input: 1e-7,", "prices: standard: input: expected a decimal number"),
        ("input: 0.1,", "input: -1,", "input: expected a decimal number >= 0"),
        ("input: 0.1,", "input: .nan,", "input: expected a decimal number"),
        ("input: 0.1,", "input: 0.1, input: 0.2,", "'input' is given twice"),
        (
            "standard: {input: 0.1",
            "standrad: {input: 0.1",
            "unknown field 'standrad'; did you mean 'standard'",
        ),
        ("      as_of: 2026-11-12\n", "", "prices: as_of is missing"),
        ("      source: https://example.com/prices\n", "", "prices: source is missing"),
        ("above: 1_000, ", "", "long_context: needs both"),
        ("default: 4.5, ", "", "quality: expected a grade for default"),
        ("default: 4.5", "default: 45", "quality: expected grades from 0 to 5"),
        ("aliases: [clever]", "aliases: [pretend]", "'pretend' belongs to both bright and pretend"),
        ("kind: mock", "kind: mokc", "providers mock: kind: expected one of"),
        ('base_url: "https://api.openai.com/v1/"', 'base_url: ""', "providers openai: base_url is missing"),
        ("quality_source: prior", "qualty_source: prior", "unknown field 'qualty_source'"),
        ("pretend: {provider: mock}", "pretend: mock", "models pretend: expected fields"),
        ("pretend: {provider: mock}", "pretend: {provider: mock", "is no valid YAML"),
        ("pretend: {provider: mock}", "bright: {provider: mock}", "'bright' is given twice"),
    ],
)
def test_a_mistake_in_the_file_is_refused_with_its_place(load, written, instead, message):
    assert written in SMALL

    with pytest.raises(CatalogError, match=message):
        load(SMALL.replace(written, instead, 1))


def test_a_standard_row_is_required(load):
    with pytest.raises(CatalogError, match="prices: standard is missing"):
        load(SMALL.replace("      standard: {input", "      flex: {input"))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CatalogError, match=r"nowhere\.yaml: cannot be read"):
        catalog.load(tmp_path / "nowhere.yaml", {}, mock=False)


SEVERAL = (
    SMALL.replace(
        "    quality: {default: 4.5, code: 4.8}\n",
        """    quality: {default: 4.5, code: 4.8}
    fallbacks: [spare]
    deployments:
      - {}
      - {name: second, api_key_env: SECOND_KEY, weight: 3}
      - {base_url: http://my-server/v1/, upstream_model: bright-local}
""",
    )
    + "  spare: {provider: openai, aliases: [spare-wheel]}\n"
)


def test_a_model_that_lists_no_deployments_is_called_in_one_way(load):
    bright = load(environ=EVERY_KEY).find("bright")

    [only] = bright.deployments
    assert (only.base_url, only.api_key_env, only.upstream_model, only.weight) == (
        "https://api.openai.com/v1",
        "OPENAI_API_KEY",
        "bright-2",
        1,
    )
    assert bright.at(only) is bright


def test_deployments_inherit_what_they_do_not_say_but_a_server_of_its_own_no_key(load):
    model = load(SEVERAL, EVERY_KEY | {"SECOND_KEY": "s"}).find("bright")

    assert [(d.name, d.base_url, d.api_key_env, d.upstream_model, d.weight) for d in model.deployments] == [
        ("1", "https://api.openai.com/v1", "OPENAI_API_KEY", "bright-2", 1),
        ("second", "https://api.openai.com/v1", "SECOND_KEY", "bright-2", 3),
        ("3", "http://my-server/v1", "", "bright-local", 1),
    ]
    assert len({d.id for d in model.deployments}) == 3
    there = model.at(model.deployments[2])
    assert (there.name, there.base_url, there.api_key_env, there.upstream_model) == (
        "bright",
        "http://my-server/v1",
        "",
        "bright-local",
    )


def test_deployments_without_their_key_are_left_out_and_the_model_goes_with_the_last(load):
    keyed = SEVERAL.replace("      - {base_url: http://my-server/v1/, upstream_model: bright-local}\n", "")

    assert [d.name for d in load(keyed, {"SECOND_KEY": "s"}).find("bright").deployments] == ["second"]
    assert load(keyed, {"SECOND_KEY": "s"}).find("bright").is_available
    none_left = load(keyed).find("bright")
    assert none_left.unavailable_because.startswith("set OPENAI_API_KEY or SECOND_KEY, or bring")
    assert none_left.deployments


def test_snapshots_have_the_deployments_that_know_the_model_by_its_own_name(load):
    snapshot = load(SEVERAL, EVERY_KEY | {"SECOND_KEY": "s"}).find("bright-2026-01-01")

    assert [(d.name, d.upstream_model) for d in snapshot.deployments] == [
        ("1", "bright-2026-01-01"),
        ("second", "bright-2026-01-01"),
    ]
    assert snapshot.fallbacks == ("spare",)


def test_an_organizations_own_key_goes_to_the_provider_only(load):
    model = load(SEVERAL, EVERY_KEY).with_own_keys({"openai"}).find("bright")

    [only] = model.deployments
    assert (only.base_url, only.upstream_model) == ("https://api.openai.com/v1", "bright-2")
    own = deployments.with_own_key(only, provider="openai", key_identity="17")
    others = deployments.with_own_key(only, provider="openai", key_identity="18")
    assert len({only.id, own.id, others.id}) == 3


@pytest.mark.parametrize(
    ("written", "instead", "message"),
    [
        ("weight: 3", "weight: 0", "bright: deployments 2: weight: expected a whole number from 1 on"),
        ("weight: 3", "wieght: 3", "deployments 2: unknown field 'wieght'; did you mean 'weight'"),
        ("http://my-server/v1/", "my-server", "deployments 3: base_url: expected an address"),
        ("{name: second, api_key_env: SECOND_KEY, weight: 3}", "{weight: 3}", "deployments 2: the same as another"),
        ("fallbacks: [spare]", "fallbacks: [spear]", "bright: fallbacks: 'spear' is no model; did you mean 'spare'"),
        ("fallbacks: [spare]", "fallbacks: [clever]", "'clever' must be another model of the same kind"),
        ("spare: {", "spare: {kind: embedding, ", "'spare' must be another model of the same kind"),
        (
            "      - {}\n      - {name: second, api_key_env: SECOND_KEY, weight: 3}\n",
            "",
            "snapshots bright-2026-01-01: every deployment has an upstream_model of its own",
        ),
    ],
)
def test_a_mistake_in_deployments_or_fallbacks_is_refused_with_its_place(load, written, instead, message):
    assert written in SEVERAL

    with pytest.raises(CatalogError, match=message):
        load(SEVERAL.replace(written, instead, 1))


def test_deployments_are_a_list(load):
    with pytest.raises(CatalogError, match="deployments: expected a list of entries"):
        load(
            SEVERAL.replace("      - {}\n", "      one: {}\n").split("      - {name")[0]
            + "  spare: {provider: openai}\n"
        )
