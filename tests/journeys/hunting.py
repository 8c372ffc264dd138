"""Looks for secrets wherever a product could have left them, in every spelling that gives them away."""

import base64
import gzip
import hashlib
import json
import os
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import psycopg
import redis
from psycopg import sql

_DIGESTS = ("md5", "sha1", "sha256", "sha512")
_SHORTEST = 8  # what is shorter is found everywhere by accident


def spellings(secret: str, *, digests: bool = True) -> dict[str, bytes]:
    """The ways to write a secret that whoever finds one can turn back, or try guesses against."""
    clear = secret.encode()
    found = {
        "clear": clear,
        "JSON": json.dumps(secret).encode()[1:-1],
        "address": quote(secret).encode(),
        "hex": clear.hex().encode(),
        "HEX": clear.hex().upper().encode(),
        "UTF-16": secret.encode("utf-16-le"),
        "backwards": clear[::-1],
    }
    for offset in range(3):
        found |= {f"{name} at {offset}": text for name, text in _base64(clear, offset).items()}
    if digests:
        for name in _DIGESTS:
            digest = hashlib.new(name, clear).digest()
            found |= {name: digest, f"{name} in hex": digest.hex().encode()}
            found |= {f"{name} in {kind}": text for kind, text in _base64(digest, 0).items()}
    # the first name for each: a plain word reads the same in JSON and in an address
    named = {text: name for name, text in reversed(found.items()) if len(text) >= _SHORTEST}
    return {name: text for text, name in reversed(named.items())}


def _base64(clear: bytes, offset: int) -> dict[str, bytes]:
    """The part that does not depend on what stands around the secret, which begins at `offset` of three bytes."""
    text = base64.b64encode(bytes(offset) + clear)
    begin, end = (0, 2, 3)[offset], (0, 3, 2)[(offset + len(clear)) % 3]
    core = text[begin : len(text) - end]
    return {"base64": core, "base64 for addresses": core.replace(b"+", b"-").replace(b"/", b"_")}


def find(secrets: Mapping[str, dict[str, bytes]], places: Iterator[tuple[str, bytes]]) -> list[str]:
    """`password as sha256 in table accounts_user` for each that was found. Nothing of the secret itself."""
    return sorted(
        {
            f"{name} as {spelling} in {place}"
            for place, content in places
            for name, ways in secrets.items()
            for spelling, text in ways.items()
            if text in content
        }
    )


def database(url: str) -> Iterator[tuple[str, bytes]]:
    """Every row of every table as text; binary columns come in hex, so they are given in bytes as well."""
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for schema, table in tables:
            name = sql.Identifier(schema, table)
            query = sql.SQL("COPY (SELECT t::text FROM {} t) TO STDOUT").format(name)
            with connection.cursor().copy(query) as copy:
                text = b"".join(copy)
            yield f"table {table}", text
            yield f"bytes of table {table}", b"\n".join(_binary(connection, schema, table))
        statements = connection.execute("SELECT query FROM pg_stat_activity").fetchall()
        yield "running statements", "\n".join(row[0] or "" for row in statements).encode()


def _binary(connection: psycopg.Connection, schema: str, table: str) -> Iterator[bytes]:
    columns = connection.execute(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = %s AND table_name = %s AND data_type = 'bytea'",
        [schema, table],
    ).fetchall()
    for (column,) in columns:
        query = sql.SQL("SELECT {} FROM {}").format(sql.Identifier(column), sql.Identifier(schema, table))
        for (value,) in connection.execute(query):
            yield from _unpacked(bytes(value or b""))


def store(url: str) -> Iterator[tuple[str, bytes]]:
    """Every key and value of Redis, in all its databases."""
    with redis.Redis.from_url(url) as first:
        numbers = {int(name.removeprefix("db")) for name in first.info("keyspace")} | {0}
    for number in sorted(numbers):
        with redis.Redis.from_url(url, db=number) as connection:
            keys: Iterator[Any] = connection.scan_iter(count=1000)
            for key in keys:
                yield f"key of Redis {number}", key
                for part in _values(connection, key):
                    for content in _unpacked(part):
                        yield f"Redis {number} under {key[:60]!r}", content


def _values(connection: Any, key: bytes) -> Iterator[bytes]:
    kind = connection.type(key).decode()
    if kind == "string":
        yield connection.get(key) or b""
    elif kind == "hash":
        for name, value in connection.hgetall(key).items():
            yield from (name, value)
    elif kind == "list":
        yield from connection.lrange(key, 0, -1)
    elif kind == "set":
        yield from connection.smembers(key)
    elif kind == "zset":
        yield from connection.zrange(key, 0, -1)
    else:
        yield repr(connection.xrange(key)).encode() if kind == "stream" else b""


def _unpacked(value: bytes) -> Iterator[bytes]:
    yield value
    for unpack in (zlib.decompress, gzip.decompress):
        try:
            yield unpack(value)
        except (OSError, EOFError, zlib.error):
            continue


def files(folder: Path, pattern: str = "*") -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob(pattern):
        if path.is_file() and not path.is_symlink():
            yield f"file {path.relative_to(folder)}", path.read_bytes()


def processes() -> Iterator[tuple[str, bytes]]:
    """The command lines of everything that runs on this machine, but of the one that looks."""
    for process in psutil.process_iter():
        if process.pid == os.getpid():
            continue
        try:
            yield f"command line of {process.name()}", "\0".join(process.cmdline()).encode()
        except psutil.Error:
            continue
