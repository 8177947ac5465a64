"""What the server answers when it will not do what was asked, worded as OpenMetadata words it."""

from __future__ import annotations


class ApiError(Exception):
    """An answer that is not a success."""

    def __init__(
        self, status: int, message: str, *, body: object = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(f"{status} {message}")
        self.status = status
        self.body = {"code": status, "message": message} if body is None else body
        self.headers = dict(headers or {})


def bad_request(message: str) -> ApiError:
    return ApiError(400, message)


def invalid(field: str, problem: str) -> ApiError:
    """What bean validation says of a value, which is a list in brackets."""
    return bad_request(f"[{field} {problem}]")


def unauthorized(message: str) -> ApiError:
    return ApiError(401, message, headers={"WWW-Authenticate": "om-auth"})


def forbidden(principal: str, operation: str) -> ApiError:
    return ApiError(
        403, f"Principal: CatalogPrincipal{{name='{principal}'}} operations [{operation}] not allowed"
    )


def not_found(kind: str, name: str) -> ApiError:
    return ApiError(404, f"{kind} instance for {name} not found")


def no_route() -> ApiError:
    return ApiError(404, "HTTP 404 Not Found")


def wrong_method() -> ApiError:
    return ApiError(405, "HTTP 405 Method Not Allowed")


def already_exists() -> ApiError:
    return ApiError(409, "Entity already exists")


def precondition_failed(etag: str) -> ApiError:
    return ApiError(
        412,
        f"The entity has been modified. Current ETag: {etag}. "
        "Please refresh and retry with the latest version.",
    )


def wrong_media_type() -> ApiError:
    return ApiError(415, "HTTP 415 Unsupported Media Type")
