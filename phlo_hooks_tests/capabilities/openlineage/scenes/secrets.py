"""Secrets where users leave them. None of them may be in anything that is sent."""

from __future__ import annotations

import dagster as dg

from phlo_hooks_tests.capabilities.openlineage.scenes.definitions import Broken, asset, definitions

# Each is unlike anything else, so that finding it in what was sent is finding a leak.
CANARIES: dict[str, str] = {
    "password in a URI": "canaryUriPassword7Q",
    "token in a query": "canaryQueryToken8R",
    "password in a metadata field": "canaryFieldPassword9S",
    "key in nested metadata": "canaryNestedKey1T",
    "password in an error": "canaryErrorPassword2U",
    "token in an error's cause": "canaryCauseToken3V",
    "password in a check": "canaryCheckPassword4W",
}
URI = f"postgresql://loader:{CANARIES['password in a URI']}@warehouse:5432/shop"


def secrets() -> dg.Definitions:
    """`loaded` succeeds, checked, with secrets in its metadata; `broken`, made of it, fails with some in its error."""

    @dg.asset(
        metadata={"dagster/uri": f"{URI}/public/orders"},
        check_specs=[dg.AssetCheckSpec("connects", asset="loaded")],
    )
    def loaded() -> dg.MaterializeResult:
        check = dg.AssetCheckResult(
            passed=False,
            check_name="connects",
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"password": CANARIES["password in a check"]},
        )
        return dg.MaterializeResult(metadata=_metadata(), check_results=[check])

    @dg.asset(deps=[loaded])
    def broken() -> None:
        token = CANARIES["token in an error's cause"]
        try:
            raise Broken(f"401 for https://api.example.com/v1/orders?access_token={token}")
        except Broken as exc:
            password = CANARIES["password in an error"]
            raise Broken(f"cannot connect to postgresql://loader:{password}@warehouse:5432/shop") from exc

    return definitions(loaded, broken, asset("after", ["broken"]))


def leaks(text: str) -> list[str]:
    """Which of the secrets are in it."""
    return [where for where, canary in CANARIES.items() if canary in text]


def _metadata() -> dict[str, dg.MetadataValue]:
    token = CANARIES["token in a query"]
    return {
        "dagster/uri": dg.MetadataValue.text(f"{URI}/public/orders"),
        "source": dg.MetadataValue.url(f"https://api.example.com/v1/orders?token={token}"),
        "password": dg.MetadataValue.text(CANARIES["password in a metadata field"]),
        "connection": dg.MetadataValue.json(
            {"host": "h", "auth": {"api_key": CANARIES["key in nested metadata"]}}
        ),
    }
