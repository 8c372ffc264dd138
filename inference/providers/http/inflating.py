"""Unpacks answers of providers that compress although they were asked not to."""

import zlib

from inference.providers.http.exchange import Headers

_GZIP, _ZLIB, _RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS
_ZLIB_METHOD = 8  # the low half of zlib's first byte (RFC 1950, section 2.2)
_AT_ONCE_BYTES = 262_144


class Inflating:
    """One answer's. Raises zlib.error for what is not compressed as it says."""

    def __init__(self, encoding: str) -> None:
        self._is_gzip = encoding in ("gzip", "x-gzip")
        self._unpacker: zlib._Decompress | None = None

    def feed(self, data: bytes, most: int) -> bytes:
        """What `data` unpacks to; no more than `most` and a little, so that a bomb is noticed in time."""
        unpacked: list[bytes] = []
        size = 0
        while data and size <= most:
            if self._unpacker is None or self._unpacker.eof:  # gzip may have several members
                self._unpacker = zlib.decompressobj(self._window(data))
            piece = self._unpacker.decompress(data, _AT_ONCE_BYTES)
            unpacked.append(piece)
            size += len(piece)
            data = self._unpacker.unused_data or self._unpacker.unconsumed_tail
        return b"".join(unpacked)

    def finish(self) -> None:
        if self._unpacker is not None and not self._unpacker.eof:
            raise zlib.error("it was cut")

    def _window(self, data: bytes) -> int:
        if self._is_gzip:
            return _GZIP
        # "deflate" means zlib's, but some send it without its head (RFC 9110, section 8.4.1.2)
        return _ZLIB if data[0] & 0x0F == _ZLIB_METHOD else _RAW


def unpacker(headers: Headers) -> Inflating | None:
    """What an answer with these headers needs; None in the usual case."""
    for name, value in headers:
        if name.lower() == b"content-encoding":
            encoding = value.strip().lower().decode("latin-1")
            if encoding in ("gzip", "x-gzip", "deflate"):
                return Inflating(encoding)
    return None
