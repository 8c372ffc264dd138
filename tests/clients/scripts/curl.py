"""curl, as the documents of the APIs show it."""

import json
import shutil
import subprocess
from typing import Any

from telling import Case, holds, same, tell


def curl(case: Case, path: str, body: Any, *, key: str = "", headers: tuple[str, ...] = ()) -> tuple[int, str]:
    """(status, text) of a POST."""
    sent = (f"Authorization: Bearer {key or case.key}", "Content-Type: application/json", *headers)
    command = ["curl", "-sS", "-N", "-w", "\n%{http_code}", case.base + path, "-d", json.dumps(body)]
    for header in sent:
        command += ["-H", header]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    text, _, status = done.stdout.rpartition("\n")
    return int(status), text


def asked(case: Case, question: str, **more: Any) -> dict[str, Any]:
    return {"model": case.model, "messages": [{"role": "user", "content": question}], **more}


def plain(case: Case) -> None:
    question = case.question("plain?")
    status, text = curl(case, "/v1/chat/completions", asked(case, question))
    same((status, json.loads(text)["choices"][0]["message"]["content"]), (200, f"You said: {question}."))


def stream(case: Case) -> None:
    status, text = curl(case, "/v1/chat/completions", asked(case, case.question("a stream?"), stream=True))
    same((status, text.strip().endswith("data: [DONE]")), (200, True))


def messages(case: Case) -> None:
    question = case.question("a message?")
    own = {**asked(case, question, max_tokens=500), "model": "claude-haiku-5-5"}
    status, text = curl(case, "/v1/messages", own, headers=("anthropic-version: 2023-06-01",))
    same((status, json.loads(text)["content"][0]["text"]), (200, f"You said: {question}."))


def messages_stream(case: Case) -> None:
    own = {**asked(case, case.question("a stream?"), max_tokens=500, stream=True), "model": "claude-haiku-5-5"}
    status, text = curl(case, "/v1/messages", own, headers=("anthropic-version: 2023-06-01",))
    same((status, "event: message_stop" in text), (200, True))


def responses(case: Case) -> None:
    question = case.question("respond?")
    status, text = curl(case, "/v1/responses", {"model": case.model, "input": question})
    same((status, json.loads(text)["output"][0]["content"][0]["text"]), (200, f"You said: {question}."))


def embeddings(case: Case) -> None:
    status, text = curl(case, "/v1/embeddings", {"model": "text-embedding-3-small", "input": case.question("near")})
    same((status, len(json.loads(text)["data"][0]["embedding"])), (200, 1536))


def bad_key(case: Case) -> None:
    status, text = curl(case, "/v1/chat/completions", asked(case, "x"), key=case.bad_key)
    same((status, json.loads(text)["error"]["code"]), (401, "invalid_api_key"))


def bad_request(case: Case) -> None:
    status, text = curl(case, "/v1/chat/completions", "no object")
    holds(status == 400 and json.loads(text)["error"]["message"], (status, text))


CASES = {
    act.__name__: act for act in (plain, stream, messages, messages_stream, responses, embeddings, bad_key, bad_request)
}

if __name__ == "__main__":
    shown = subprocess.run([shutil.which("curl") or "curl", "--version"], capture_output=True, text=True, check=True)
    tell("curl", shown.stdout.split()[1], CASES, "gpt-6-luna")
