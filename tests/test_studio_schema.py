"""Every address of the studio as its OpenAPI description has it, asked for by Schemathesis: what fits the
description and what does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CheckFunction
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

import liminal
from liminal.studio import routes, server

CHECKS: list[CheckFunction] = [status_code_conformance, content_type_conformance, response_schema_conformance]
SLOW = ("tsne", "umap")  # layouts that take minutes are laid out elsewhere
BULK = {"frames": 12, "n": 12}  # how much is asked for at most
LEFT_OUT = "report"  # takes minutes, and nothing from the request
EXAMPLES = 12


@pytest.fixture(scope="module")
def studio() -> Iterator[server.Studio]:
    running = liminal.studio(liminal.open("fashion"))
    for what in ("model", "support"):
        running.session.long(what, lambda _: None).result()
    running.session.chart("pca").result()
    running.session.long("way back from the map by pca", lambda _: None).result()
    yield running
    running.close()


@pytest.fixture(scope="module")
def line(studio: server.Studio) -> Iterator[requests.Session]:
    """A connection that knows the token."""
    with requests.Session() as made:
        assert made.get(studio.url, timeout=60).status_code == 200
        yield made


@pytest.fixture(scope="module")
def described(studio: server.Studio) -> Any:
    schema = schemathesis.openapi.from_dict(server.application(studio.session).openapi())
    schema.config.update(base_url=studio.url.split("/?")[0])
    return schema


def smaller(given: Any) -> Any:
    """The same request for less of it."""
    if isinstance(given, list):
        return [smaller(value) for value in given]
    if not isinstance(given, dict):
        return given
    found = {key: smaller(value) for key, value in given.items()}
    for key, most in BULK.items():
        if isinstance(found.get(key), int) and found[key] > most:
            found[key] = most
    if any(slow in str(found.get("method")) for slow in SLOW):
        found["method"] = "pca"
    return found


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize(
    "route", [route for route in routes.ROUTES if route.name != LEFT_OUT], ids=lambda route: route.name
)
def test_answers_are_as_described(
    described: Any, line: requests.Session, route: routes.Route, mode: GenerationMode
) -> None:
    operation = described[route.path][route.method]
    if mode == GenerationMode.NEGATIVE and not (route.query or isinstance(route.takes, type)):
        pytest.skip("nothing in it can be wrong")

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        case.query = smaller(
            {"method": "umap", **case.query}
            if "method" in route.query or "method?" in route.query
            else dict(case.query)
        )
        case.body = smaller(case.body)
        answer = case.call(session=line, timeout=120)
        assert answer.status_code < 500 or answer.status_code == 503, (case.as_curl_command(), answer.text)
        assert answer.status_code != 503 or answer.headers["retry-after"]
        case.validate_response(answer, checks=CHECKS)

    ask()
