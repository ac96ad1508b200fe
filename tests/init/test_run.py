"""What init writes trains and serves as it stands."""

import gzip
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from clickthrough.config.load import load_config
from clickthrough.data.simulator.plain import write_log
from clickthrough.errors import ConfigError, DataError
from clickthrough.init.roles import Named
from clickthrough.init.run import init
from tests.raw import (
    write_avazu,
    write_criteo,
    write_movielens,
    write_movielens_1m,
    write_movielens_100k,
)
from tests.test_cli import run
from tests.test_raw_presets import largest_difference, trained


def trains_and_serves(data: Path, folder: Path) -> None:
    """Write a configuration, train on it, and compare the live path with the batch side."""
    written = init(data, folder / "made.yaml")
    made = trained(load_config(written.config), folder)
    assert 0 < next(iter(made.metrics["test"]["results"].values()))["log_loss"] < 1.5
    assert largest_difference(folder) < 1e-5


def synthetic(folder: Path) -> Path:
    """Write a log of one impression a row with its side table, and nothing else."""
    write_log(folder, 6_000)
    (folder / "config.yaml").unlink()
    (folder / "truth.parquet").unlink()
    return folder


def semicolons_without_requests(folder: Path) -> Path:
    log = pl.read_csv(synthetic(folder) / "log.csv").drop("display_id")
    (folder / "ads.csv").unlink()
    log.write_csv(folder / "log.csv", separator=";")
    return folder / "log.csv"


def parquet(folder: Path) -> Path:
    log = pl.read_csv(synthetic(folder) / "log.csv", try_parse_dates=True)
    ads = pl.read_csv(folder / "ads.csv").with_columns(pl.concat_list("topic").alias("topics"))
    log.join(ads, on="ad_id").sort("time", "display_id").write_parquet(folder / "log.parquet")
    return folder / "log.parquet"


def no_time(folder: Path) -> Path:
    log = pl.read_csv(synthetic(folder) / "log.csv").drop("time")
    log.write_csv(folder / "log.csv")
    return folder


def index_and_name_twice(folder: Path) -> Path:
    """Write a log as pandas does, its index in a first column that has no name."""
    path = no_time(folder) / "log.csv"
    first, *rows = path.read_text().splitlines()
    lines = [f",platform,{first}", *(f"{n},{n % 3},{row}" for n, row in enumerate(rows))]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(
    "write",
    [
        synthetic,
        index_and_name_twice,
        semicolons_without_requests,
        parquet,
        no_time,
        write_criteo,
        write_avazu,
        write_movielens,
    ],
)
def test_what_is_written_trains_and_serves(write: Callable[[Path], Path], tmp_path: Path) -> None:
    trains_and_serves(write(tmp_path), tmp_path)


def test_the_guesses_of_a_synthetic_log(tmp_path: Path) -> None:
    written = init(synthetic(tmp_path), tmp_path / "c.yaml")
    assert {line.column: line.becomes for line in written.lines} == {
        "display_id": "request_id", "time": "time", "uuid": "user", "ad_id": "item",
        "clicked": "label", "platform": "categorical", "advertiser_id": "categorical",
        "topic": "categorical",
    }  # fmt: skip
    assert all(line.why for line in written.lines)
    text = written.config.read_text()
    kinds = {feature.kind for feature in load_config(written.config).features}
    assert {"counter", "age", "sequence", "match", "request_size", "time"} <= kinds
    assert "[user, topic]" in text
    assert load_config(written.config).serving.lookup == {"ads.csv": ["ad_id"]}


@pytest.mark.parametrize(
    ("write", "preset"),
    [
        (write_criteo, "criteo"),
        (write_avazu, "avazu"),
        (write_movielens, "movielens"),
        (write_movielens_100k, "movielens"),
        (write_movielens_1m, "movielens"),
    ],
)
def test_a_known_layout_gets_its_preset(
    write: Callable[[Path], Path], preset: str, tmp_path: Path
) -> None:
    path = write(tmp_path)
    written = init(path, tmp_path / "c.yaml")
    assert f"preset '{preset}'" in written.found
    assert load_config(written.config).features == load_config(preset).features
    found, known = load_config(written.config), load_config(preset, data=path)
    assert found.serving == known.serving
    assert {line.becomes for line in written.lines} > {"label"}


def test_ebnerd_is_known_by_its_files(ebnerd: Path, tmp_path: Path) -> None:
    written = init(ebnerd, tmp_path / "c.yaml")
    assert load_config(written.config).data.path == ebnerd.resolve()


def test_a_log_of_two_real_tables_joined_is_found(real_logs: Path, tmp_path: Path) -> None:
    written = init(real_logs / "outbrain_ranking", tmp_path / "c.yaml")
    becomes = {line.column: line.becomes for line in written.lines}
    assert becomes == {
        "display_id": "request_id", "ad_id": "item", "clicked": "label", "timestamp": "time",
    }  # fmt: skip


def test_what_a_table_is_written_with_is_named_and_left_out(tmp_path: Path) -> None:
    written = init(index_and_name_twice(tmp_path), tmp_path / "c.yaml")
    lines = {line.column: line for line in written.lines}
    assert (lines["column_1"].becomes, lines["column_1"].why) == ("drop", "row numbers")
    assert {"platform", "platform_2"} <= set(lines)
    assert any("'platform' again" in note for note in written.notes)
    assert "column 1 has no name" in written.config.read_text()


def test_the_command_line_prints_what_may_be_wrong(tmp_path: Path) -> None:
    rows = "".join(f"{n % 2 * 2 + 1},at {n % 12} o'clock,{n % 5 % 2}\n" for n in range(40))
    (tmp_path / "log.csv").write_text("reads,time,slot\n" + rows)
    done = run("init", "log.csv", "--label", "reads", "--label-at-least", "2", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "note: column 'time' looks like a time" in done.stdout
    assert "label_at_least: 2" in (tmp_path / "config.yaml").read_text()


def test_nothing_is_overwritten_unless_forced(tmp_path: Path) -> None:
    path, out = write_criteo(tmp_path), tmp_path / "c.yaml"
    out.write_text("mine")
    with pytest.raises(ConfigError, match=r"c\.yaml: exists; .*--force"):
        init(path, out)
    assert out.read_text() == "mine"
    init(path, out, force=True)
    assert "criteo" in out.read_text()


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("mobile,price\n0,1\n1,2\n")
    out = tmp_path / "made"
    with pytest.raises(DataError, match=r"cannot tell the label.*mobile"):
        init(tmp_path / "log.csv", out / "c.yaml")
    with pytest.raises(DataError, match="no feature"):
        (tmp_path / "bare.csv").write_text("clicked\n0\n1\n")
        init(tmp_path / "bare.csv", out / "c.yaml")
    assert not out.exists()


def test_a_named_column_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = synthetic(tmp_path)
    with pytest.raises(DataError, match="no column 'usr'; found display_id"):
        init(path, tmp_path / "c.yaml", Named(user="usr"))


def test_an_encoding_that_is_said_holds(tmp_path: Path) -> None:
    rows = "".join(f"{n % 9},\u5973,{n % 3 // 2}\n" for n in range(60))  # UTF-8 by chance
    path, out = tmp_path / "log.csv", tmp_path / "c.yaml"
    path.write_bytes(f"user,who,click\n{rows}".encode("gb18030"))
    done = run("init", "log.csv", "--encoding", "GBK", "--out", "c.yaml", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "encoding: gbk  # as --encoding says" in out.read_text()
    path.write_text(f"user,who,click\n{rows}")
    assert "encoding:" not in init(path, out, Named(encoding="gbk"), force=True).text
    done = run("init", "log.csv", "--encoding", "gbkk", "--out", "d.yaml", folder=tmp_path)
    assert done.returncode == 2
    assert "--encoding: unknown encoding 'gbkk'" in done.stderr


def test_files_that_are_parts_train_as_such(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    log = pl.read_csv(synthetic(tmp_path / "other") / "log.csv")
    data = tmp_path / "data"
    data.mkdir()
    for place, name in enumerate(("train", "valid", "test")):
        log.slice(place * 2_000, 2_000).write_csv(data / f"{name}.csv")
    written = init(data, tmp_path / "c.yaml")
    made = trained(load_config(written.config), tmp_path)
    assert made.metrics["test"]["impressions"] == len(log.slice(4_000, 2_000))


def test_a_label_that_is_named_must_be_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'ad_id' holds whole numbers from .* --label-at-least"):
        init(synthetic(tmp_path), tmp_path / "c.yaml", Named(label="ad_id"))


def test_a_compressed_log_is_looked_at_and_trains(tmp_path: Path) -> None:
    path = write_avazu(tmp_path)
    (tmp_path / "train.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    for data in (tmp_path, tmp_path / "train.gz"):
        written = init(data, tmp_path / "c.yaml", force=True)
        assert "preset 'avazu'" in written.found
    assert load_config("avazu", data=tmp_path).data.path == tmp_path / "train.gz"
    trained(load_config(written.config), tmp_path)


def test_a_file_of_ratings_is_known_by_what_it_holds(tmp_path: Path) -> None:
    renamed = write_movielens_1m(tmp_path).rename(tmp_path / "stars.txt")
    assert "preset 'movielens'" in init(renamed, tmp_path / "config.yaml").found
    (tmp_path / "movies.dat").unlink()
    with pytest.raises(DataError, match=r"stars\.txt: ratings of MovieLens; expected movies\.dat"):
        init(renamed, tmp_path / "other.yaml")


def test_a_named_column_makes_a_known_layout_an_unknown_one(tmp_path: Path) -> None:
    path = write_avazu(tmp_path)
    written = init(path, tmp_path / "c.yaml", Named(label="click", user="device_id"))
    config = load_config(written.config)
    becomes = {line.column: line.becomes for line in written.lines}
    assert becomes["device_id"] == "user"
    assert becomes["hour"] == "time"
    assert becomes["id"] == "drop"
    assert config.data.model_dump()["time"]["format"] == "%y%m%d%H"
    trained(config, tmp_path)


@pytest.mark.slow
def test_the_command_line_writes_what_trains_on_the_real_criteo_sample(
    real_logs: Path, tmp_path: Path
) -> None:
    done = run("init", real_logs / "criteo", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "next: clickthrough train config.yaml" in done.stdout
    done = run("train", "config.yaml", "--no-baselines", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "800 impressions" in done.stdout


def test_a_label_that_cannot_be_told_is_one_message_and_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("mobile,new,price\n" + "0,1,1\n1,0,2\n1,1,1\n0,0,2\n" * 20)
    done = run("init", "log.csv", folder=tmp_path)
    assert done.returncode == 2
    assert "cannot tell the label; columns of 0 and 1, or of yes and no: mobile, new" in done.stderr
    assert "Traceback" not in done.stderr
    done = run("init", "log.csv", "--label", "mobile", folder=tmp_path)
    assert done.returncode == 0, done.stderr
