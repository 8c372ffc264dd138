"""How to call the gateway from what people use. `tests/journeys/test_snippets.py` runs each as it is shown."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Language:
    """How a snippet's language writes the key: as itself, or as what is read from the environment."""

    name: str
    literal: str
    from_environment: str
    imports: str = ""  # what reading the environment takes


@dataclass(frozen=True, slots=True)
class Snippet:
    name: str
    language: Language
    template: str

    def render(self, base_url: str, api_key: str | None) -> str:
        """With the key in its place, or else with the environment variable ACRON_API_KEY."""
        language = self.language
        key = language.from_environment if api_key is None else language.literal.replace("{}", api_key)
        imports = language.imports if api_key is None else ""
        return imports + self.template.replace("{base_url}", base_url).replace("{api_key}", key)


SHELL = Language("shell", "{}", "$ACRON_API_KEY")
PYTHON = Language("python", '"{}"', 'os.environ["ACRON_API_KEY"]', "import os\n\n")
JAVASCRIPT = Language("javascript", '"{}"', "process.env.ACRON_API_KEY")

CURL = Snippet(
    "curl",
    SHELL,
    """\
curl {base_url}/v1/chat/completions \\
  -H "Authorization: Bearer {api_key}" \\
  -H "Content-Type: application/json" \\
  -d '{"model": "auto", "messages": [{"role": "user", "content": "What is the capital of France?"}]}'
""",
)
PYTHON_OPENAI = Snippet(
    "Python (openai)",
    PYTHON,
    """\
from openai import OpenAI

client = OpenAI(base_url="{base_url}/v1", api_key={api_key})
completion = client.chat.completions.create(
    model="auto",
    messages=[{"role": "user", "content": "What is the capital of France?"}],
)
print(completion.choices[0].message.content)
""",
)
JAVASCRIPT_OPENAI = Snippet(
    "JavaScript (openai)",
    JAVASCRIPT,
    """\
import OpenAI from "openai";

const client = new OpenAI({ baseURL: "{base_url}/v1", apiKey: {api_key} });
const completion = await client.chat.completions.create({
  model: "auto",
  messages: [{ role: "user", content: "What is the capital of France?" }],
});
console.log(completion.choices[0].message.content);
""",
)
PYTHON_ANTHROPIC = Snippet(
    "Python (anthropic)",
    PYTHON,
    """\
from anthropic import Anthropic

client = Anthropic(base_url="{base_url}", api_key={api_key})
message = client.messages.create(
    model="auto",
    max_tokens=300,
    messages=[{"role": "user", "content": "What is the capital of France?"}],
)
print(message.content[0].text)
""",
)
LANGCHAIN = Snippet(
    "LangChain",
    PYTHON,
    """\
from langchain_openai import ChatOpenAI

chat = ChatOpenAI(base_url="{base_url}/v1", api_key={api_key}, model="auto")
print(chat.invoke("What is the capital of France?").text)
""",
)
LITELLM = Snippet(
    "LiteLLM",
    PYTHON,
    """\
import litellm

completion = litellm.completion(
    model="openai/auto",
    api_base="{base_url}/v1",
    api_key={api_key},
    messages=[{"role": "user", "content": "What is the capital of France?"}],
)
print(completion.choices[0].message.content)
""",
)
ENVIRONMENT = Snippet(
    "Environment only",
    SHELL,
    """\
export OPENAI_BASE_URL="{base_url}/v1"
export OPENAI_API_KEY="{api_key}"
export ANTHROPIC_BASE_URL="{base_url}"
export ANTHROPIC_API_KEY="$OPENAI_API_KEY"
""",
)

ALL = (CURL, PYTHON_OPENAI, PYTHON_ANTHROPIC, JAVASCRIPT_OPENAI, LANGCHAIN, LITELLM, ENVIRONMENT)
