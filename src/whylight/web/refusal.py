"""What becomes of errors: one line, a status, and a code for programs."""

from __future__ import annotations

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from whylight.errors import MissingExtra, UnknownName, WhylightError


class Refusal(WhylightError):
    """A request that is not answered.

    Attributes:
        status: of HTTP.
        code: a word for programs.
        retry_after: seconds after which it is worth another try.
    """

    def __init__(self, status: int, code: str, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.retry_after = status, code, retry_after


def refused(status: int, code: str, message: str, retry_after: int | None = None) -> JSONResponse:
    """The one line as JSON: ``{"error": ..., "code": ...}``."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return JSONResponse({"error": " ".join(message.split()), "code": code}, status, headers)


async def on_whylight_error(_: Request, error: Exception) -> JSONResponse:
    """Bad input is the client's; a model that fails is the server's."""
    status, code = status_and_code(error)
    return refused(status, code, str(error), getattr(error, "retry_after", None))


def status_and_code(error: BaseException) -> tuple[int, str]:
    if isinstance(error, Refusal):
        return error.status, error.code
    if isinstance(error, MissingExtra):
        return 501, "missing_extra"
    return 404 if isinstance(error, UnknownName) else 422, "bad_input"


async def on_wrong_shape(_: Request, error: Exception) -> JSONResponse:
    """A body of another shape than the API's: which field, and what is wrong with it."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"] if part != "body") or "the request"
    return refused(422, "wrong_shape", f"{place}: {first['msg']}")


async def on_http_error(_: Request, error: Exception) -> JSONResponse:
    """No such address, or another method than it takes."""
    assert isinstance(error, HTTPException)
    return refused(error.status_code, "http", str(error.detail))
