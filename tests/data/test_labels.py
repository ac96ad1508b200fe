"""Labels: texts and numbers that mean a click, and what is said of those that mean nothing."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickthrough import ClickModel, fit
from clickthrough.config.load import load_values
from clickthrough.config.root import Config
from clickthrough.data.frame import dataset_of_frame
from clickthrough.data.labels import Click, click_text, clicked
from clickthrough.data.open import open_dataset
from clickthrough.errors import ConfigError, DataError
from tests.whole.logs import CLICK, ROW, plain
from tests.whole.verbs import SMALL

ROLES = {"label": "click", "time": "time", "user": "user_id", "item": "item_id"}


def config(log: Path, **data: object) -> Config:
    own = {"reader": "tabular", "path": str(log), "cache": str(log.parent / "cache"),
           "roles": ROLES, **data}  # fmt: skip
    return load_values(
        {
            "data": own,
            "features": [{"kind": "categorical", "fields": ["slot"]}],
            "model": {"name": "mlp"},
        },
        "config.yaml",
        SMALL,
    )


def said(click: str, none: str) -> pl.Expr:
    return pl.when(CLICK == 1).then(pl.lit(click)).otherwise(pl.lit(none))


def read(values: list[object], click: Click) -> list[float | None]:
    column = pl.Series("label", values)
    made = column.to_frame().select(clicked(pl.col("label"), column.dtype, click))
    return made.to_series().to_list()


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from(["", " ", "\t "]), st.booleans()), min_size=1)
)
def test_case_and_blanks_around_a_text_do_not_matter(
    rows: list[tuple[bool, str, bool]],
) -> None:
    texts = [
        blank + (text.upper() if upper else text) + blank
        for one, blank, upper in rows
        for text in ["bought" if one else "seen"]
    ]
    assert read([*texts], Click(texts=(" Bought",))) == [float(one) for one, *_ in rows]


def test_every_other_text_is_none_and_a_blank_is_not_known() -> None:
    values: list[object] = ["yes", "no", "maybe", " ", "", None]
    assert read(values, Click(texts=("yes",))) == [1, 0, 0, None, None, None]
    assert read(values, Click(texts=("yes", "maybe"))) == [1, 0, 1, None, None, None]


def test_a_text_that_is_a_number_is_compared_as_one() -> None:
    assert read([1, 2, None], Click(texts=("2",))) == [0, 1, None]
    assert read([1.0, 2.0, None], Click(texts=("2",))) == [0, 1, None]
    assert read([True, False, None], Click(texts=("true",))) == [1, 0, None]


def test_of_two_texts_the_well_known_click_is_told() -> None:
    assert click_text(["off", "on"]) == "on"
    assert click_text(["no", "yes", "maybe"]) is None
    assert click_text(["seen", "bought"]) is None


@pytest.mark.parametrize("suffix", ["csv", "parquet", "frame"])
def test_a_log_of_texts_is_that_of_0_and_1(suffix: str, tmp_path: Path) -> None:
    found = []
    for name, frame in {"texts": plain().with_columns(click=said(" YES", "No ")),
                        "numbers": plain()}.items():  # fmt: skip
        label_is = {"label_is": "yes"} if name == "texts" else {}
        log = tmp_path / f"{name}.{suffix}"
        data = config(log, **label_is).data
        assert data.reader == "tabular"
        if suffix == "frame":
            found.append(dataset_of_frame(frame, data))
            continue
        _write(frame, log)
        found.append(open_dataset(data))
    texts, numbers = (dataset.impressions().collect() for dataset in found)
    assert texts.equals(numbers)


ODD = {
    "-1 and 1": (CLICK * 2 - 1, r"found -1\.0 .*'data\.label_at_least: 1' takes 1 for a click"),
    "1 and 2": (CLICK + 1, r"found 2\.0 .*'data\.label_at_least: 2' takes 2 for a click"),
    "counts": (CLICK * (ROW % 3 + 1), r"up to 3: 'data\.label_at_least: 1' takes 1 or more"),
    "ratings": (CLICK + ROW % 4 + 1, r"from 1 to 5: .*'data\.label_at_least: NUMBER'"),
    "yes": (said("Yes", "no"), r"expected 0 or 1, found '(Yes|no)'.*'data\.label_is: yes'"),
    "two texts": (said("bought", "seen"), r"which of 'bought', 'seen' .*'data\.label_is: TEXT'"),
    "a text among numbers": (
        pl.when(ROW == 9).then(pl.lit("oops")).otherwise(CLICK.cast(pl.String)),
        r"found 'oops' \(1 rows\); it holds '0', '1', 'oops'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("suffix", ["csv", "parquet", "frame"])
def test_what_is_no_label_is_told_with_the_setting_that_reads_it(
    suffix: str, name: str, tmp_path: Path
) -> None:
    values, says = ODD[name]
    frame, log = plain().with_columns(click=values), tmp_path / f"log.{suffix}"
    data = config(log).data
    assert data.reader == "tabular"
    with pytest.raises(DataError, match=rf"column 'click': .*{says}") as caught:
        if suffix == "frame":
            dataset_of_frame(frame, data)
        else:
            _write(frame, log)
            open_dataset(data)
    assert "\n" not in str(caught.value)
    assert "conversion" not in str(caught.value)


def test_texts_under_a_threshold_and_numbers_under_a_text_are_refused(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    plain().with_columns(click=said("yes", "no")).write_csv(log)
    with pytest.raises(
        DataError, match=r"expected numbers, for 'data\.label_at_least' is 1; found"
    ):
        open_dataset(config(log, label_at_least=1).data)
    plain().write_csv(log)
    with pytest.raises(DataError, match=r"expected texts, for 'data\.label_is' is 'yes'; found"):
        open_dataset(config(log, label_is="yes").data)


def test_that_no_label_is_the_text_of_a_click_is_told(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    plain().with_columns(click=said("Y", "N")).write_csv(log)
    (note,) = open_dataset(config(log, label_is="yes").data).report.notes
    assert note == "no label is 'yes', as 'data.label_is' says clicks are"
    assert not open_dataset(config(log, label_is="y").data).report.notes


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"label_is": "yes", "label_at_least": 1}, "either 'label_is'.*or 'label_at_least'"),
        ({"label_is": []}, "expected a text that is a click"),
        ({"label_is": ["yes", " "]}, "expected a text that is a click"),
    ],
)
def test_settings_that_say_nothing_or_two_things_are_refused(
    data: dict[str, object], says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        config(Path("log.csv"), **data)


def test_clicks_alone_are_told_what_they_lack(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    lacks = {
        "one row an impression, with 0 where it was not clicked": pl.lit(1),
        "a blank is no label; write 0 where": pl.when(CLICK == 1).then(1),
    }
    for says, values in lacks.items():
        plain().with_columns(click=values).write_csv(log)
        with pytest.raises(DataError, match=f"every impression is clicked.*{says}"):
            fit(log, config=config(log))


def test_a_frame_is_fitted_and_evaluated_by_its_texts() -> None:
    texts = plain().with_columns(click=said("bought", "seen"))
    given = {"set": list(SMALL), "baselines": False, **ROLES}
    model = fit(texts, label_is="Bought", **given)  # type: ignore[arg-type]
    assert isinstance(model, ClickModel)
    same = fit(plain(), **given)  # type: ignore[arg-type]
    rows = plain(seed=3).drop("click")
    asked = [np.asarray(m.predict(rows)) for m in (model, same)]
    assert (asked[0] == asked[1]).all()
    later = plain(seed=3).with_columns(pl.col("time") + pl.duration(days=400))
    with pytest.raises(DataError, match=r"'data\.label_is' is 'Bought'; found 1 \(200 rows\)"):
        model.evaluate(later)


def _write(frame: pl.DataFrame, log: Path) -> None:
    if log.suffix == ".csv":
        frame.write_csv(log)
    else:
        frame.write_parquet(log)
