"""The page of the documentation: whole without the internet, and of the bundle that serves."""

import gzip
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from fastapi.testclient import TestClient

from clickthrough.config.load import parse_config
from clickthrough.serving import app as app_module
from clickthrough.serving.app import create_app
from clickthrough.serving.documentation import POLICY
from clickthrough.training.run import train
from tests.logs import make_values, write_log
from tests.report.browser import WIDTHS, browser, looked_at
from tests.serving.browser import tab
from tests.serving.bundles import put
from tests.serving.hostile.servers import Server, serving
from tests.serving.rich import Trained

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FOLDER = Path(app_module.__file__).parent / "swagger"
OF_NPM = {
    "swagger-ui-bundle.js": "e6a898692f2d768e807c3ba4626068a69a2c5dd960dd6c76f3e4d3a3de180af2",
    "swagger-ui.css": "5ed08757e53da3e026d6cbecc61fe5d43585c9560b302d534ad56692519a273d",
}
"""The sha256 of each file of swagger-ui-dist 5.35.0."""
LOADED = ("swagger-ui-bundle.js", "swagger-ui.css", "contrast.css", "start.js")
Document = dict[str, Any]


def train_without(folder: Path, log: pl.DataFrame, **roles: str) -> Path:
    """Train a bundle of two features on a log of which only some roles are named."""
    path = write_log(folder, log.with_columns(type=pl.col("platform")).head(2_000))
    values = make_values(folder, path.name, epochs=1)
    values["data"] |= {"roles": {"label": "clicked", **roles}, "joins": []}
    values["features"] = [
        {"kind": "categorical", "fields": "type"},
        {"kind": "numeric", "fields": "price"},
    ]
    train(parse_config(values, "test"), folder / "bundle", baselines=False)
    return folder / "bundle"


@pytest.fixture(scope="module")
def no_item(tmp_path_factory: pytest.TempPathFactory, log: pl.DataFrame) -> Path:
    """A bundle that knows neither items nor users, and a column that is called as events' kind."""
    return train_without(tmp_path_factory.mktemp("no item"), log, request_id="display_id")


@pytest.fixture(scope="module")
def item_apart(tmp_path_factory: pytest.TempPathFactory, log: pl.DataFrame) -> Path:
    """A bundle whose item is no feature, but events need it."""
    return train_without(tmp_path_factory.mktemp("apart"), log, item="ad", time="ts")


@pytest.fixture
def bundles(
    bundle_path: Path, trained: Trained, no_item: Path, item_apart: Path
) -> dict[str, Path]:
    return {
        "plain": bundle_path,
        "lists": trained.folder / "bundle",
        "no item": no_item,
        "item apart": item_apart,
    }


def documented(client: TestClient) -> Document:
    found: Document = client.get("/openapi.json").json()
    return found


def properties(document: Document, name: str) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"][name]["properties"]
    return found


def examples(document: Document) -> Iterator[tuple[str, str, Any]]:
    """Yield each path, media type and example of a body."""
    for path, operations in document["paths"].items():
        post = operations.get("post", {})
        for parameter in post.get("parameters", []):
            path = path.replace(f"{{{parameter['name']}}}", parameter["example"])  # noqa: PLW2901
        for media, body in post.get("requestBody", {}).get("content", {}).items():
            yield path, media, body["example"]


@pytest.mark.parametrize("kind", ["plain", "lists", "no item", "item apart"])
def test_every_example_is_taken(kind: str, bundles: dict[str, Path]) -> None:
    with TestClient(create_app(bundles[kind], "memory")) as client:
        tried = list(examples(documented(client)))
        assert {"/predict", "/rank", "/events", "/invocations"} < {path for path, _, _ in tried}
        assert sum(path.endswith("/infer") for path, _, _ in tried) == 2
        assert {"text/csv", "application/jsonlines"} < {media for _, media, _ in tried}
        for path, media, example in tried:
            body = example if isinstance(example, str) else json.dumps(example)
            answer = client.post(path, content=body, headers={"content-type": media})
            assert answer.status_code == 200, (path, media, example, answer.text)
            if path in ("/predict", "/rank"):
                assert answer.json()["ignored"] == []


def test_rows_have_the_logs_own_names_and_types(trained: Trained) -> None:
    with TestClient(create_app(trained.folder / "bundle", "memory")) as client:
        document, fields = documented(client), client.get("/model").json()["fields"]
    words = {"int": "integer", "float": "number", "str": "string"}
    impression = properties(document, "Impression")
    assert set(impression) == {*fields, "display_id", "ts"}
    for name, told in fields.items():
        shown = impression[name]
        if told["type"].endswith("s"):
            assert shown["type"] == ["array", "null"]
            shown, told["type"] = shown["items"], told["type"][:-1]
        assert shown["type"] == [words[told["type"]], "null"]
    assert impression["ad"]["description"] == "`item` for clickthrough"
    assert set(properties(document, "Event")) == {*impression, "type"}


def test_what_differs_within_a_request_is_of_candidates(trained: Trained) -> None:
    with TestClient(create_app(trained.folder / "bundle", "memory")) as client:
        document = documented(client)
    candidate, context = properties(document, "Candidate"), properties(document, "Context")
    assert {"ad", "price", "topics"} <= set(candidate)
    assert {"uuid", "display_id", "ts"} <= set(context)
    assert not set(candidate) & set(context)
    body = document["paths"]["/rank"]["post"]["requestBody"]["content"]["application/json"]
    assert set(body["example"]["context"]) <= set(context)
    assert set(body["example"]["candidates"][0]) == set(candidate)


def test_bodies_refer_to_rows_by_name(bundle_path: Path) -> None:
    with TestClient(create_app(bundle_path, "memory")) as client:
        document = documented(client)
    of = {
        "PredictBody": {"impressions": "Impression"},
        "RankBody": {"candidates": "Candidate", "context": "Context"},
        "EventsBody": {"events": "Event"},
        "Invocation": {"impressions": "Impression", "candidates": "Candidate"},
    }
    for body, rows in of.items():
        shown = properties(document, body)
        assert ("explain" in shown) == (body != "EventsBody")
        for name, row in rows.items():
            assert shown[name].get("items", shown[name])["$ref"].endswith(f"/{row}")


def test_the_document_is_of_the_bundle_that_serves_now(
    bundle_path: Path, no_item: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CTR_WATCH", "0")
    place = shutil.copytree(bundle_path, tmp_path / "models")
    service = create_app(place, "memory")
    with TestClient(service) as client:
        before = documented(client)
        assert service.openapi() is service.openapi()
        put(no_item, place)
        service.state.current.reload()
        after = documented(client)
        told = client.get("/predict").json()["detail"]
    assert "uuid" in properties(before, "Impression")
    assert set(properties(after, "Impression")) == {"display_id", "type", "price"}
    assert [*before["paths"]] == [*after["paths"]]
    assert "uuid" not in json.dumps([*examples(after)])
    assert told.endswith('{"impressions":[{"type":"a","price":1.5}]}')


def test_the_page_is_whole_and_its_policy_names_no_other_host(bundle_path: Path) -> None:
    with TestClient(create_app(bundle_path, "memory")) as client:
        page = client.get("/docs")
        assert page.headers["content-security-policy"] == POLICY
        assert "://" not in page.text + POLICY
        assert "unsafe" not in POLICY
        assert sorted(re.findall(r'"docs/(.+?)"', page.text)) == sorted(LOADED)
        for name in LOADED:
            packed = client.get(f"/docs/{name}")
            plain = client.get(f"/docs/{name}", headers={"accept-encoding": "identity"})
            assert packed.content == plain.content != b""
            assert "content-encoding" not in plain.headers
            assert (packed.headers.get("content-encoding") == "gzip") == (name in OF_NPM)
        assert client.get("/redoc").status_code == 404


@pytest.mark.parametrize("name", OF_NPM)
def test_what_is_packed_is_what_its_makers_gave(name: str) -> None:
    assert json.loads((FOLDER / "package.json").read_bytes())["version"] == "5.35.0"
    plain = gzip.decompress((FOLDER / f"{name}.gz").read_bytes())
    assert hashlib.sha256(plain).hexdigest() == OF_NPM[name]
    assert "Apache License" in (FOLDER / "LICENSE").read_text()


@pytest.fixture(scope="module")
def chromium() -> Iterator["Browser"]:
    with browser() as made:
        yield made


@pytest.fixture(scope="module")
def service(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("service")
    with serving("serve", trained.folder / "bundle", folder, {"CTR_EVENTS_TOKEN": "told"}) as made:
        yield made


def tried_out(page: "Page", name: str) -> str:
    """Press "Try it out" and "Execute"; return the status of the answer."""
    operation = page.locator(f"#operations-default-{name}")
    operation.locator(".opblock-summary").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    status = operation.locator(".live-responses-table .response .response-col_status")
    return status.first.inner_text()


@pytest.mark.slow
@pytest.mark.parametrize("width", WIDTHS)
def test_it_can_be_tried_out_without_the_internet(
    chromium: "Browser", service: Server, width: int
) -> None:
    with tab(chromium, width) as opened:
        page = opened.page
        page.goto(f"http://127.0.0.1:{service.port}/docs")
        assert [tried_out(page, name) for name in ("predict", "rank")] == ["200", "200"]
        assert page.evaluate("document.documentElement.scrollWidth") == width
        for what in ("wide", "overlaps", "pale"):
            assert looked_at(page, what) == [], what
        assert (opened.faults, opened.elsewhere) == ([], [])


def test_events_are_tried_out_with_their_token(chromium: "Browser", service: Server) -> None:
    with tab(chromium, 1440) as opened:
        page = opened.page
        page.goto(f"http://127.0.0.1:{service.port}/docs")
        page.locator(".auth-wrapper .authorize").first.click()
        own = page.locator(".auth-container", has_text="EventsToken")
        own.locator("input").fill("told")
        own.get_by_role("button", name="Apply credentials").click()
        page.get_by_role("button", name="Close").first.click()
        assert tried_out(page, "events") == "200"


def test_the_check_sees_what_is_asked_of_other_hosts(chromium: "Browser", service: Server) -> None:
    """By the policy of the page, and by the browser where a page has none."""
    with tab(chromium, 1440) as opened:
        opened.page.goto(f"http://127.0.0.1:{service.port}/docs")
        opened.page.evaluate("fetch('http://example.com').catch(() => 0)")
        assert "Content Security Policy" in opened.faults[0]
        opened.page.goto(f"http://127.0.0.1:{service.port}/health")
        opened.page.evaluate("fetch('http://example.com').catch(() => 0)")
        assert opened.elsewhere == ["http://example.com/"]
