"""The address the web server listens on."""

import errno
import socket


class PortError(RuntimeError):
    """The address cannot be listened on; the message says what to do."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, for the web workers to share. Raises PortError."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise PortError(_explanation(host, port, error)) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise PortError(_explanation(host, port, error)) from error
    return listener


def require_free(host: str, port: int) -> None:
    """Raises PortError when something else listens there."""
    listen(host, port).close()


def _explanation(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is taken; stop what uses it, or choose another: PORT={port + 1} scripts/run"
    if error.errno == errno.EACCES:
        return f"port {port} needs more rights than we have; choose one above 1024: PORT=8000 scripts/run"
    return f"cannot listen on {host}:{port} ({error}); set ASAHI_API_HOST to an address of this machine"
