"""The models ACRON may call, with their prices and abilities."""

import difflib
import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from acron_site.lib.errors import UnknownModelError
from inference import deployments, entries, prices
from inference.deployments import Deployment
from inference.entries import CatalogError, Entry
from inference.prices import PriceSheet

__all__ = ["Catalog", "CatalogError", "Model", "load"]

KINDS = ("chat", "responses", "embedding", "rerank")
DIALECTS = ("openai", "openai-compatible", "anthropic", "mock")
CAPABILITIES = frozenset(
    {
        "audio_input",
        "audio_output",
        "computer_use",
        "forced_tool_choice",
        "json_schema",
        "parallel_tools",
        "pdf",
        "prompt_caching",
        "reasoning",
        "sampling",
        "streaming",
        "thinking_budget",
        "tools",
        "vision",
        "web_search",
    }
)
DEFAULT_TASK = "default"
_MAX_QUALITY = 5
# how providers mark a snapshot: gpt-5-mini-2025-08-07, claude-haiku-4-5-20251001
_SNAPSHOT_DATE = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{8})\Z", re.ASCII)
_SHOWN_NAME_LENGTH = 100


@dataclass(frozen=True, slots=True)
class Model:
    """One model of one provider. `upstream_model` is what the provider calls it."""

    name: str
    provider: str
    upstream_model: str
    kind: str = "chat"
    aliases: tuple[str, ...] = ()
    prices: PriceSheet = field(default=prices.UNPRICED, repr=False, hash=False)
    context_window: int = 0  # tokens of input; 0: not known
    max_output_tokens: int = 0
    capabilities: frozenset[str] = frozenset()
    quality: Mapping[str, float] = field(default_factory=lambda: {DEFAULT_TASK: 0.0}, hash=False)
    quality_source: str = ""  # "prior": by rule of thumb; else where it was measured
    latency_ms: int = 0  # typical, of a whole answer
    base_url: str = ""
    api_key_env: str = ""  # "": the server asks for no key
    retires_on: date | None = None
    unavailable_because: str = ""
    automatic: bool = True  # may be chosen when the caller names no model
    dialect: str = "openai"  # one of DIALECTS: how its provider is spoken to
    is_simulated: bool = False  # the mock provider answers in its place
    takes_own_key: bool = False  # an organization may bring its own key for it
    listed_deployments: tuple[Deployment, ...] = ()  # of the file; once loaded, those whose keys are set
    fallbacks: tuple[str, ...] = ()  # models that answer in turn when this one fails

    @property
    def is_available(self) -> bool:
        return not self.unavailable_because

    @property
    def answered_by(self) -> str:
        """The dialect that carries its calls: "mock" for a simulated model."""
        return "mock" if self.is_simulated else self.dialect

    @property
    def deployments(self) -> tuple[Deployment, ...]:
        """The ways to call it; there is always one."""
        return self.listed_deployments or (
            deployments.sole(
                provider=self.provider,
                base_url=self.base_url,
                api_key_env=self.api_key_env,
                upstream_model=self.upstream_model,
            ),
        )

    def at(self, deployment: Deployment) -> "Model":
        """The same model as it is called there."""
        if not self.listed_deployments:
            return self
        return replace(
            self,
            base_url=deployment.base_url,
            api_key_env=deployment.api_key_env,
            upstream_model=deployment.upstream_model,
            listed_deployments=(deployment,),
        )

    def is_one_of(self, names: Collection[str]) -> bool:
        """Whether it is named there, by its name or an alias."""
        return self.name in names or any(alias in names for alias in self.aliases)

    def quality_for(self, task_type: str) -> float:
        return self.quality.get(task_type, self.quality[DEFAULT_TASK])


@dataclass(frozen=True, slots=True)
class ProviderEntry:
    """A provider as the file describes it: how it is spoken to, where, and which variable holds the operator's key."""

    name: str
    dialect: str
    base_url: str
    api_key_env: str
    server_url: str = ""  # without the path under which it speaks our dialect: what its own SDK wants

    @property
    def takes_keys(self) -> bool:
        return self.dialect != "mock" and bool(self.api_key_env)


class Catalog:
    """Every model of the file, by name. `price_version` changes with any price of any model.

    `is_simulated`: the mock provider answers for all of them. `today`: see `load`.
    """

    def __init__(
        self,
        models: Iterable[Model],
        *,
        is_simulated: bool = False,
        providers: Iterable[ProviderEntry] = (),
        today: date | None = None,
    ) -> None:
        self.models = tuple(models)
        self.is_simulated = is_simulated
        self.providers = tuple(providers)
        self._today = today
        self._by_name = _index(self.models)
        self._by_upstream = {(model.provider, model.upstream_model): model for model in reversed(self.models)}
        self.price_version = _price_version(self.models)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(model.name for model in self.models)

    def find(self, name: str, *, param: str = "model") -> Model:
        """The model with this name or alias. Raises UnknownModelError that names the field `param`."""
        model = self._by_name.get(name)
        if model is None:
            raise UnknownModelError(_unknown(name, self._by_name), param=param)
        return model

    def answering(self, upstream_name: str, *, asked: Model) -> Model:
        """The model that answered, by the name in the provider's response: its prices hold.

        A snapshot that is not in the file costs what its undated name costs, an unknown name what was
        asked for.
        """
        for name in (upstream_name, _SNAPSHOT_DATE.sub("", upstream_name)):
            if name == asked.upstream_model:
                return asked
            if model := self._by_upstream.get((asked.provider, name)):
                return model
        return asked

    def chat_models(self) -> tuple[Model, ...]:
        return tuple(model for model in self.models if model.kind == "chat")

    def available_chat_models(self) -> tuple[Model, ...]:
        return tuple(model for model in self.chat_models() if model.is_available)

    def with_own_keys(self, providers: Collection[str]) -> "Catalog":
        """What an organization can use that has keys of its own at these providers.

        Their models are available to it and really answered. What is simulated here besides is no longer chosen
        automatically: whoever brings a key wants real answers, and gets invented ones only by asking for them.
        """
        if not any(model.takes_own_key and model.provider in providers for model in self.models):
            return self
        return Catalog(
            (self._with_own_keys(model, providers) for model in self.models),
            providers=self.providers,
            today=self._today,
        )

    def _with_own_keys(self, model: Model, providers: Collection[str]) -> Model:
        if model.takes_own_key and model.provider in providers:
            # its key is for the provider itself, not for the servers that the operator lists
            return replace(
                model,
                is_simulated=False,
                unavailable_because=_retired(model, self._today),
                listed_deployments=(),
            )
        return replace(model, automatic=model.automatic and model.answered_by != "mock")


def load(path: Path, environ: Mapping[str, str], *, mock: bool, today: date | None = None) -> Catalog:
    """The catalogue of the file at `path`, for the keys that `environ` holds. Raises CatalogError.

    With `mock` every model is available and the mock provider answers. With `today`, models that their
    provider has switched off by then are unavailable.
    """
    document = entries.read(path)
    quality_source = document.text("quality_source", "")
    providers = {name: _provider(name, entry, environ) for name, entry in document.part("providers").parts()}
    listed = [
        model
        for name, entry in document.part("models").parts()
        for model in _models(name, entry, providers=providers, quality_source=quality_source)
    ]
    document.finish()
    _require_known_fallbacks(listed)
    usable = (_for_use(model, environ, mock=mock, today=today) for model in listed)
    return Catalog(usable, is_simulated=mock, providers=providers.values(), today=today)


def _provider(name: str, entry: Entry, environ: Mapping[str, str]) -> ProviderEntry:
    dialect = entry.choice("kind", DIALECTS)
    listed, variable = entry.address("base_url"), entry.text("base_url_env", "")
    base_url = entries.address(environ.get(variable, ""), f"environment variable {variable}") or listed
    # Cohere's variable names the server, its OpenAI-compatible API lies under a path of it
    server_url = base_url.removesuffix(path := entry.text("path", ""))
    base_url = server_url + path
    if not base_url and dialect != "mock":
        raise CatalogError(f"{entry.place}: base_url is missing")
    provider = ProviderEntry(name, dialect, base_url, entry.text("api_key_env", ""), server_url)
    entry.finish()
    return provider


def _models(name: str, entry: Entry, *, providers: Mapping[str, ProviderEntry], quality_source: str) -> Iterator[Model]:
    """The model, then its snapshots: they share everything but name, retirement and the automatic choice."""
    provider = providers[entry.choice("provider", tuple(providers))]
    model = _model(name, entry, provider=provider, quality_source=quality_source)
    snapshots = entry.part("snapshots")
    entry.finish()
    yield model
    for snapshot, fields in snapshots.parts():
        retires_on = fields.day("retires_on") or model.retires_on
        fields.finish()
        yield replace(
            model,
            name=snapshot,
            upstream_model=snapshot,
            aliases=(),
            automatic=False,
            retires_on=retires_on,
            listed_deployments=_of_snapshot(model, snapshot, fields),
        )


def _of_snapshot(model: Model, snapshot: str, entry: Entry) -> tuple[Deployment, ...]:
    of_model = model.listed_deployments
    found = deployments.for_snapshot(of_model, provider=model.provider, model=model.upstream_model, snapshot=snapshot)
    if of_model and not found:
        raise CatalogError(f"{entry.place}: every deployment has an upstream_model of its own, so none knows it")
    return found


def _model(name: str, entry: Entry, *, provider: ProviderEntry, quality_source: str) -> Model:
    own_base_url = entry.address("base_url")
    # a model on a server of its own never inherits the provider's key: it would be sent to a stranger
    inherited_key = "" if own_base_url else provider.api_key_env
    model = Model(
        name=name,
        provider=provider.name,
        upstream_model=entry.text("upstream_model", name),
        kind=entry.choice("kind", KINDS, "chat"),
        aliases=entry.names("aliases"),
        prices=prices.parse(entry.part("prices")) if entry.has("prices") else prices.UNPRICED,
        context_window=entry.whole("context_window", 0),
        max_output_tokens=entry.whole("max_output_tokens", 0),
        capabilities=_capabilities(entry),
        quality=_quality(entry),
        quality_source=entry.text("quality_source", quality_source),
        latency_ms=entry.whole("latency_ms", 0),
        base_url=own_base_url or provider.base_url,
        api_key_env=entry.text("api_key_env", inherited_key),
        retires_on=entry.day("retires_on"),
        automatic=entry.flag("automatic", default=True),
        dialect=provider.dialect,
        # nor is it sent an organization's
        takes_own_key=provider.takes_keys and not own_base_url,
        fallbacks=entry.names("fallbacks"),
    )
    return replace(
        model,
        listed_deployments=deployments.parse(entry, provider=provider.name, inherited=model.deployments[0]),
    )


def _capabilities(entry: Entry) -> frozenset[str]:
    capabilities = frozenset(entry.names("capabilities"))
    if unknown := capabilities - CAPABILITIES:
        raise entry.error("capabilities", f"{min(unknown)!r} is none of {', '.join(sorted(CAPABILITIES))}")
    return capabilities


def _quality(entry: Entry) -> dict[str, float]:
    grades = entry.part("quality").amounts()
    if any(grade > _MAX_QUALITY for grade in grades.values()):
        raise entry.error("quality", f"expected grades from 0 to {_MAX_QUALITY}")
    if grades and DEFAULT_TASK not in grades:
        raise entry.error("quality", f"expected a grade for {DEFAULT_TASK}")
    return {task: float(grade) for task, grade in grades.items()} or {DEFAULT_TASK: 0.0}


def _for_use(model: Model, environ: Mapping[str, str], *, mock: bool, today: date | None) -> Model:
    """What this process can do with the model: whether it is reachable, simulated, chosen automatically."""
    is_mock_model = model.dialect == "mock"
    return replace(
        model,
        unavailable_because="" if mock or is_mock_model else _obstacle(model, environ, today),
        automatic=model.automatic and (mock or not is_mock_model),
        is_simulated=mock and not is_mock_model,
        listed_deployments=model.listed_deployments if mock else _reachable(model, environ),
    )


def _reachable(model: Model, environ: Mapping[str, str]) -> tuple[Deployment, ...]:
    listed = model.listed_deployments
    return tuple(one for one in listed if one.has_key(environ)) or listed


def _obstacle(model: Model, environ: Mapping[str, str], today: date | None) -> str:
    if retired := _retired(model, today):
        return retired
    if not any(one.has_key(environ) for one in model.deployments):
        variables = " or ".join(dict.fromkeys(one.api_key_env for one in model.deployments))
        own = ", or bring a key of your own under /settings/providers" if model.takes_own_key else ""
        return f"set {variables}{own}"
    return ""


def _retired(model: Model, today: date | None) -> str:
    if today is not None and model.retires_on is not None and model.retires_on <= today:
        return f"{model.provider} switched it off on {model.retires_on}; choose a newer model"
    return ""


def _require_known_fallbacks(models: Iterable[Model]) -> None:
    known = _index(models)
    for model in known.values():
        for name in model.fallbacks:
            place = f"models {model.name}: fallbacks"
            if name not in known:
                raise CatalogError(f"{place}: {name!r} is no model{entries.did_you_mean(name, known)}")
            if known[name] is model or known[name].kind != model.kind:
                raise CatalogError(f"{place}: {name!r} must be another model of the same kind")


def _index(models: Iterable[Model]) -> dict[str, Model]:
    index: dict[str, Model] = {}
    for model in models:
        for name in (model.name, *model.aliases):
            if name in index:
                raise CatalogError(f"the name {name!r} belongs to both {index[name].name} and {model.name}")
            index[name] = model
    return index


def _unknown(name: str, known: Iterable[str]) -> str:
    shown = name[:_SHOWN_NAME_LENGTH]
    close = difflib.get_close_matches(shown, list(known), n=3)
    advice = f"did you mean {' or '.join(close)}?" if close else "GET /v1/models lists the models"
    return f"no model called {shown!r}; {advice}"


def _price_version(models: Iterable[Model]) -> str:
    versions = sorted({f"{model.name} {model.prices.version}" for model in models if model.prices.version})
    latest = max((model.prices.as_of for model in models if model.prices.as_of), default="")
    return f"{latest}.{hashlib.sha256(chr(10).join(versions).encode()).hexdigest()[:8]}"
