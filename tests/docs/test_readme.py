"""The README and the guide say what runs: every block is run as it stands, in order."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from clickthrough.config.load import load_config
from clickthrough.data.simulator.plain import write_log
from tests.conftest import ROOT
from tests.docs.blocks import Block, blocks

README, GUIDE = ROOT / "README.md", ROOT / "docs" / "guide.md"
ENVIRONMENT = os.environ | {
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "PYTHONPATH": str(ROOT),
}


def of(page: Path, language: str) -> list[Block]:
    return [block for block in blocks(page) if block.language == language]


def run(text: str, folder: Path) -> str:
    """Run commands by bash; return what they print."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def outbrain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the demo's bundle lies, of a smaller log and one epoch."""
    folder = tmp_path_factory.mktemp("demo")
    run(
        "clickthrough simulate demo --impressions 20000 --seed 7\n"
        "clickthrough train outbrain --data demo --no-baselines --set training.epochs=1",
        folder,
    )
    return folder


@pytest.fixture(scope="module")
def served(outbrain: Path) -> Iterator[str]:
    """Serve the demo's bundle; yield host and port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "app:app", "--port", str(port)]
    environment = ENVIRONMENT | {
        "CTR_BUNDLE": str(outbrain / "models"),
        "CTR_STORE": "memory",
        "CTR_DRAIN_SECONDS": "0",
    }
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE)
    try:
        for _ in range(600):
            if process.poll() is not None:
                break
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=1)
                break
            except OSError:
                time.sleep(0.05)
        assert process.poll() is None, process.stderr and process.stderr.read()
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def test_make_knows_what_the_readme_tells_it() -> None:
    told = [block.text for block in of(README, "bash") if block.text.startswith("make ")]
    assert told
    for text in told:
        run(text.replace("make ", f"make -n -C {ROOT} "), ROOT)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is missing")
@pytest.mark.parametrize(
    "block", [b for b in of(README, "bash") if "curl" in b.text], ids=lambda b: f"line {b.line}"
)
def test_the_service_answers_as_the_readme_says(block: Block, served: str) -> None:
    answer = yaml.safe_load(run(block.text.replace("localhost:8000", served), ROOT))
    assert answer.keys() >= ({"ranking", "request_id"} if "/rank" in block.text else {"clicks"})
    if "/rank" in block.text:
        (best,) = answer["ranking"]
        assert 0 < best["probability"] < 1
        assert best["missing"] == []  # side tables say the rest
        assert "unseen" in best


def python(block: Block, folder: Path) -> str:
    return run(f"python - <<'END'\n{block.text}END\n", folder)


@pytest.mark.slow
def test_the_first_python_is_three_lines_from_a_log(own: Path) -> None:
    first, _ = of(README, "python")
    lines = [n for n in first.text.splitlines() if n and not n.startswith(("from ", "import "))]
    assert len(lines) == 3
    *board, probability = python(first, own).splitlines()
    assert "constant" in "\n".join(board)
    assert 0 < float(probability) < 1


@pytest.mark.slow
def test_python_ranks_as_it_stands(outbrain: Path) -> None:
    _, block = of(README, "python")
    item, probability, *_ = python(block, outbrain).split()
    assert item in {"147761", "331548"}
    assert 0 < float(probability) < 1


@pytest.mark.slow
def test_features_and_settings_are_searched_in_the_order_told(outbrain: Path) -> None:
    """All but ``serve``; with fewer trials, of one epoch."""
    (block,) = (b for b in of(README, "bash") if b.text.startswith("clickthrough select"))
    *lines, serve = block.text.splitlines()
    assert serve == "clickthrough serve models"
    text = "\n".join(lines).replace("--trials 40", "--trials 2")
    text = text.replace("--retain 0.998", "--retain 0.9 --set training.epochs=1")
    text = text.replace("best.yaml", "best.yaml --out tuned --no-baselines")
    run(text, outbrain)
    assert (outbrain / "tuned" / "manifest.json").exists()


@pytest.mark.slow
def test_what_a_model_is_worth_is_shown_as_told(outbrain: Path) -> None:
    """On the small log, of one epoch, and for a request that it holds."""
    (explain,) = (b for b in of(README, "bash") if b.text.startswith("clickthrough explain"))
    request = (outbrain / "demo" / "clicks_train.csv").read_text().split()[-1].split(",")[0]
    told = run(explain.text.replace("59446", request), outbrain)
    assert "place 1: item" in told
    (show,) = (b for b in of(README, "bash") if "--report" in b.text)
    quick = "--report --no-baselines --set training.epochs=1"
    told = run(show.text.replace("--report", quick), outbrain)
    assert (outbrain / "report.html").is_file()
    (kept,) = (outbrain / "runs").glob("*/report.html")
    assert kept.parent.name in told


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with somebody's log and a side table."""
    folder = tmp_path_factory.mktemp("own")
    write_log(folder, 3_000)
    (folder / "config.yaml").unlink()
    return folder


@pytest.mark.slow
def test_verbs_run_on_a_log_of_ones_own(own: Path) -> None:
    """All but ``serve``, which would not end; the service is tried above."""
    texts = [b.text for b in of(README, "bash") if b.text.startswith("clickthrough init")]
    assert len(texts) == 1
    lines = [line for line in texts[0].splitlines() if not line.startswith("clickthrough serve")]
    assert len(lines) == texts[0].count("\n") - 1
    assert "largest difference of a probability: 0.0" in run("\n".join(lines), own)
    (block,) = of(GUIDE, "python")
    assert python(block, own).count("[") == 1  # the three doors score alike
    for block in of(GUIDE, "bash"):
        if not block.text.startswith(("clickthrough select", "clickthrough tune")):  # tried above
            run(block.text, own)
    assert {"reliability.svg", "figures.json", "exported"} <= {path.name for path in own.iterdir()}


@pytest.mark.parametrize("page", [README, GUIDE], ids=lambda page: page.name)
def test_the_parts_of_a_configuration_are_valid_together(page: Path, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("\n".join(block.text for block in of(page, "yaml")))
    assert len(load_config(path).features) >= 4


def _anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {
        re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }


def _links(page: Path) -> list[str]:
    text = page.read_text()
    links = [part.split(")")[0] for part in text.split("](")[1:]]
    return links + [part.split('"')[0] for part in text.split('src="')[1:]]


WRITTEN = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "config").glob("*.md")]


@pytest.mark.parametrize("page", sorted(WRITTEN), ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in _links(page):
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        assert not anchor or anchor in _anchors(target), link


def test_links_are_there_to_be_followed() -> None:
    assert all(_links(page) for page in (README, GUIDE))


PAGES = [GUIDE, *(ROOT / "docs" / f"{name}.md" for name in ("results", "measurements", "models"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_benchmarks_that_are_named_exist_with_their_options(page: Path) -> None:
    commands = re.findall(r"python (benchmarks/\w+\.py)((?: [^\s`&]+)*)", page.read_text())
    assert commands
    for script, arguments in commands:
        source = (ROOT / script).read_text()
        for option in re.findall(r"--[a-z-]+", arguments):
            assert f'"{option}"' in source, f"{script} {option}"


def test_every_benchmark_is_named() -> None:
    """Scripts that others start, or import, are theirs."""
    told = "".join(page.read_text() for page in PAGES)
    scripts = {path.name for path in (ROOT / "benchmarks").glob("*.py")}
    own = {name for name in scripts if "argparse" in (ROOT / "benchmarks" / name).read_text()}
    own -= {"training_ours.py", "training_fuxictr.py"}
    assert {name for name in own if f"benchmarks/{name}" not in told} == set()
