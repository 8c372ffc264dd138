"""Serves static files: collected and compressed where `collectstatic` has run, else from where they are written."""

from pathlib import Path

from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]  # whitenoise has no types
    """WhiteNoise, so that a fresh checkout has its styles at once and an old collection never hides a newer file."""

    def add_files(self, root: str | Path, prefix: str | None = None) -> None:
        # a folder that nobody has collected into yet is no reason for a warning
        if Path(root).is_dir():
            super().add_files(root, prefix)

    def add_files_from_finders(self) -> None:
        collected = dict(self.files)
        super().add_files_from_finders()
        self.files.update({url: file for url, file in collected.items() if self._is_up_to_date(url, file)})

    @staticmethod
    def serve(static_file: StaticFile, request: HttpRequest) -> HttpResponse:
        # whole, not as a stream: Django would read a file's stream at once under ASGI, and warn each time
        answer = static_file.get_response(request.method, request.META)
        body = b""
        if answer.file is not None:
            with answer.file as file:
                body = file.read()
        response = HttpResponse(body, status=int(answer.status))
        del response["content-type"]
        for name, value in answer.headers:
            response[name] = value
        return response

    def _is_up_to_date(self, url: str, collected: StaticFile) -> bool:
        written = self.files.get(url)
        return written is None or bool(collected.last_modified >= written.last_modified)
