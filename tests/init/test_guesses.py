"""Roles and kinds: what is guessed of columns by their names and their values."""

import numpy as np
import polars as pl
import pytest

from clickthrough.data.labels import Click
from clickthrough.errors import DataError
from clickthrough.init.kinds import kinds
from clickthrough.init.profile import profile
from clickthrough.init.roles import Guess, Named, guess_roles

ROWS = 2_000
RNG = np.random.default_rng(5)
CLICKS = (RNG.random(ROWS) < 0.2).astype(int)
REQUESTS = np.repeat(np.arange(ROWS // 5) + 70_000, 5)
SECONDS = 1_465_876_800 + REQUESTS * 60


def base(**columns: object) -> pl.DataFrame:
    """Return a log with a label and some columns more."""
    return pl.DataFrame({"clicked": CLICKS, **columns})


def guessed(frame: pl.DataFrame, named: Named | None = None) -> Guess:
    return guess_roles(profile(frame), named or Named(), "log.csv")


def made_of(name: str, values: object) -> tuple[str, str]:
    """Return the kind and reason of a column beside a label."""
    looked = profile(base(**{name: values}))
    (made,) = kinds(looked, guess_roles(looked, Named(), "log.csv"), ROWS)
    return made.kind, made.reason


@pytest.mark.parametrize(
    ("columns", "label"),
    [
        ({"clicked": CLICKS, "mobile": CLICKS[::-1]}, "clicked"),
        ({"Click": CLICKS, "target": CLICKS}, "Click"),
        ({"label": [bool(c) for c in CLICKS], "is_new": CLICKS}, "label"),
        ({"label": CLICKS.astype(float), "other_label": CLICKS}, "label"),
        ({"isClicked": CLICKS, "n_clicks": CLICKS * 3}, "isClicked"),
        ({"y": CLICKS, "x": CLICKS * 2}, "y"),
    ],
)
def test_the_label_is_the_column_of_0_and_1_that_is_named_like_one(
    columns: dict[str, object], label: str
) -> None:
    guess = guessed(pl.DataFrame(columns))
    assert guess.label.column == label
    assert guess.click == Click()


@pytest.mark.parametrize(
    ("columns", "named"),
    [
        ({"mobile": CLICKS, "logged_in": CLICKS}, "mobile, logged_in"),
        ({"click_a": CLICKS, "click_b": CLICKS}, "click_a, click_b"),
        ({"price": CLICKS * 3}, "no column says whether an impression was clicked (found price)"),
    ],
)
def test_a_label_that_cannot_be_told_is_refused_with_the_candidates(
    columns: dict[str, object], named: str
) -> None:
    with pytest.raises(DataError, match=r"--label COLUMN") as caught:
        guessed(pl.DataFrame(columns))
    assert named in str(caught.value)
    name = next(iter(columns))
    if name != "price":
        assert guessed(pl.DataFrame(columns), Named(label=name)).label.column == name


@pytest.mark.parametrize(("highest", "at_least"), [(5, 4.0), (10, 8.0)])
def test_a_rating_is_a_label_from_four_fifths_on(highest: int, at_least: float) -> None:
    stars = RNG.integers(1, highest + 1, ROWS)
    guess = guessed(pl.DataFrame({"rating": stars, "age": stars * 7}))
    assert (guess.label.column, guess.click) == ("rating", Click(at_least))


TIMES: list[tuple[str, object, dict[str, str]]] = [
    ("ts", SECONDS, {"unit": "s"}),
    ("event_time", SECONDS * 1_000, {"unit": "ms"}),
    ("timestamp", SECONDS * 1_000_000, {"unit": "us"}),
    ("when", pl.Series(SECONDS).cast(pl.Datetime("ms")), {}),
    ("stamp", pl.from_epoch(pl.Series(SECONDS)).dt.strftime("%Y-%m-%d %H:%M:%S"), {}),
    ("hour", pl.from_epoch(pl.Series(SECONDS)).dt.strftime("%y%m%d%H"), {"format": "%y%m%d%H"}),
    ("hour", pl.from_epoch(pl.Series(SECONDS)).dt.strftime("%Y%m%d%H"), {"format": "%Y%m%d%H"}),
    ("day", pl.from_epoch(pl.Series(SECONDS)).dt.strftime("%Y%m%d"), {"format": "%Y%m%d"}),
    ("date", pl.from_epoch(pl.Series(SECONDS)).dt.strftime("%m/%d/%Y %H:%M"),
     {"format": "%m/%d/%Y %H:%M"}),
    ("date", pl.from_epoch(pl.Series(SECONDS)).dt.strftime("%d.%m.%Y"), {"format": "%d.%m.%Y"}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "values", "form"), TIMES)
def test_times_are_found_in_every_form(name: str, values: object, form: dict[str, str]) -> None:
    guess = guessed(base(**{name: values}))
    assert guess.time is not None
    assert guess.time.column == name
    assert guess.time.form.model_dump(exclude_defaults=True) == form
    assert guess.time.known
    assert guess.time.span == pytest.approx((SECONDS[-1] - SECONDS[0]), abs=86_400)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("hour", RNG.integers(0, 24, ROWS)),
        ("day", RNG.integers(0, 7, ROWS)),
        ("price", SECONDS),
        ("time_of_day", ["noon", "night"] * (ROWS // 2)),
        ("next_read_time", SECONDS),
    ],
)
def test_what_is_no_time_of_the_impression_is_not_taken_for_one(name: str, values: object) -> None:
    assert guessed(base(**{name: values})).time is None


def test_a_dated_text_beats_a_bare_number() -> None:
    texts = pl.from_epoch(pl.Series(SECONDS)).dt.strftime("%Y-%m-%d %H:%M:%S")
    hours = texts.str.slice(11, 2).cast(pl.Int64)
    for columns in (
        {"hour": hours, "timestamp": texts},
        {"day": texts.str.slice(0, 10).str.replace_all("-", ""), "stamp": texts},
        {"timestamp": REQUESTS * 1_000 - 69_999_000, "stamp": texts},
        {"birth_date": ["1990-01-02", "1991-01-02"] * (ROWS // 2), "ts": SECONDS},
    ):
        time = guessed(base(**columns)).time
        assert time is not None
        assert time.column == list(columns)[1]


def test_the_time_of_a_click_is_a_time_where_all_rows_are_clicks() -> None:
    texts = pl.from_epoch(pl.Series(SECONDS)).dt.strftime("%Y-%m-%d %H:%M:%S")
    frame = pl.DataFrame({"is_attributed": CLICKS, "click_time": texts, "label": CLICKS})
    found = guessed(frame.drop("label"), Named(label="is_attributed")).time
    assert found is not None
    assert found.column == "click_time"
    assert guessed(frame.drop("is_attributed")).time is None


def test_joined_words_are_users_and_items() -> None:
    frame = base(userid=REQUESTS % 70, itemid=REQUESTS % 30, adgroupid=REQUESTS % 7)
    assert guessed(frame).columns == {"label": "clicked", "user": "userid", "item": "itemid"}


@pytest.mark.parametrize("name", ["device_type", "user_age", "item_category", "ad_price"])
def test_what_users_and_items_have_in_common_is_neither(name: str) -> None:
    guess = guessed(base(**{name: REQUESTS % 7}))
    assert set(guess.columns) == {"label"}


def test_what_is_named_is_no_other_role() -> None:
    frame = base(
        mobile=CLICKS, part=REQUESTS, gaps=[None if n % 9 == 0 else int(n) for n in REQUESTS]
    )
    for named, says in (
        (Named(item="clicked"), "--label COLUMN"),
        (Named(label="mobile", user="mobile"), "--label and --user both name column 'mobile'"),
        (Named(request="part"), "rename it"),
        (Named(request="gaps"), "lacks a value in .* --request COLUMN"),
        (Named(time="gaps"), r"lacks a value in \d+ of .* rows.* --time COLUMN"),
    ):
        with pytest.raises(DataError, match=says):
            guessed(frame, named)


def test_a_time_of_no_known_origin_says_so() -> None:
    time = guessed(base(timestamp=REQUESTS * 1_000 - 69_999_000)).time
    assert time is not None
    assert not time.known
    assert "origin" in time.reason


def test_a_time_that_is_named_but_faulty_is_refused_with_its_row() -> None:
    times = [f"2025-03-{1 + n % 28:02d} 10:00:00" for n in REQUESTS]
    times[9] = "yesterday"
    with pytest.raises(DataError, match=rf"in 1 of {ROWS:,} rows; the first, row 10 .*'yesterday'"):
        guessed(base(served_at=times), Named(time="served_at"))


def test_a_time_that_is_named_but_holds_none_is_refused() -> None:
    with pytest.raises(DataError, match="'place' holds no times"):
        guessed(base(place=["top", "side"] * (ROWS // 2)), Named(time="place"))


def test_request_user_and_item_are_found_by_name_and_shape() -> None:
    users = [f"u{n}" for n in np.repeat(RNG.integers(0, 90, ROWS // 5), 5)]
    guess = guessed(
        base(
            display_id=REQUESTS,
            ts=SECONDS,
            user_agent=["a", "b"] * (ROWS // 2),
            uuid=users,
            campaign_id=RNG.integers(0, 9, ROWS),
            ad_id=RNG.integers(0, 50, ROWS),
        )
    )
    assert guess.columns == {
        "label": "clicked", "request_id": "display_id", "time": "ts", "user": "uuid",
        "item": "ad_id",
    }  # fmt: skip


def test_a_request_has_several_rows_side_by_side() -> None:
    shuffled = RNG.permutation(REQUESTS)
    assert guessed(base(display_id=REQUESTS)).request is not None
    assert guessed(base(display_id=shuffled)).request is None
    assert guessed(base(display_id=np.arange(ROWS))).request is None
    assert guessed(base(display_id=REQUESTS, ts=SECONDS + np.arange(ROWS))).request is None


def test_an_id_that_never_comes_back_is_no_user() -> None:
    assert guessed(base(user_id=np.arange(ROWS))).user is None


def test_ids_with_gaps_may_be_a_user_and_times_with_gaps_no_time() -> None:
    users = [None if n % 9 == 0 else float(n % 60) for n in REQUESTS]
    times = [None if n % 9 == 0 else int(n) for n in SECONDS]
    guess = guessed(base(user_id=users, ts=times))
    assert guess.user is not None
    assert guess.time is None


def test_what_the_owner_says_stands() -> None:
    frame = base(mobile=CLICKS, ad_id=REQUESTS % 50, place=REQUESTS % 40, who=REQUESTS % 30)
    guess = guessed(frame, Named(label="mobile", item="place", user="who"))
    assert (guess.label.column, guess.columns["item"], guess.columns["user"]) == (
        "mobile", "place", "who",
    )  # fmt: skip


SOME = RNG.integers(0, 1_000, ROWS)


@pytest.mark.parametrize(
    ("name", "values", "kind", "reason"),
    [
        ("place", ["top", "side"] * (ROWS // 2), "categorical", "texts"),
        ("shop_id", SOME, "categorical", "codes"),
        ("shop_id", [None if n == 3 else float(n) for n in SOME], "categorical", "missing"),
        ("slot", SOME % 7, "categorical", "codes"),
        ("height", SOME % 7, "categorical", "few values"),
        ("zip", [f"{n:04d}" for n in SOME], "categorical", "leading zeros"),
        ("country", SOME % 60, "categorical", "by their name"),
        ("occupation", SOME % 25, "categorical", "by their name"),
        ("thing", SOME % 40 + 500, "categorical", "50 rows a value"),
        ("thing", SOME * 1_001, "numeric", "median"),
        ("thing", np.exp(SOME / 80).astype(int), "log1p", "long tail"),
        ("thing", SOME % 40 - 20, "numeric", "-20 to 19"),
        ("num_ads", SOME % 40, "numeric", "0 to 39"),
        ("city:token", SOME * 1_001, "categorical", "'token'"),
        ("width:float", SOME % 7, "numeric", "0 to 6"),
        ("words:token_seq", [f"w{n}" if n % 3 else "w1 w2" for n in SOME], "bag", "'token_seq'"),
        ("shares:float_seq", ["0.1 0.2", "0.3 0.1"] * (ROWS // 2), "drop", "'float_seq'"),
        ("Unnamed: 0", np.arange(ROWS) + 1, "drop", "row numbers"),
        ("anything", np.arange(ROWS), "drop", "row numbers"),
        ("index", np.tile(np.arange(ROWS // 4), 4), "drop", "row numbers"),
        ("index", RNG.permutation(np.arange(ROWS)), "drop", "row numbers"),
        ("thing", np.arange(ROWS) + 700, "numeric", "700 to 2699"),
        ("bid", ["0,5", "1,25"] * (ROWS // 2), "drop", "decimal comma"),
        ("seen", ["04/Mar/2024 noon", "05/Mar/2024 noon"] * (ROWS // 2), "drop", "dates"),
        ("server", ["10.0.0.1", "10.0.0.2"] * (ROWS // 2), "categorical", "texts"),
        ("shop_id", SOME * 2.0**50, "drop", "beyond what fractions hold"),
        ("part", ["top", "side"] * (ROWS // 2), "drop", "of its own"),
        ("time", ["noon", "night"] * (ROWS // 2), "drop", "--time takes it"),
        ("hash", [str(2**63 + int(n)) for n in SOME], "categorical", "beyond 64 bits"),
        ("age", SOME, "numeric", "0 to 999"),
        ("price", RNG.normal(5, 1, ROWS), "numeric", "median"),
        ("income", np.exp(RNG.normal(0, 3, ROWS)), "log1p", "long tail"),
        ("tags", [f"a{n % 3} b{n % 5} c{n % 11}" for n in SOME], "bag", "divides"),
        ("tags", [[int(n), 2] for n in SOME], "bag", "lists"),
        ("country", ["dk"] * ROWS, "drop", "one value"),
        ("empty", pl.Series([None] * ROWS, dtype=pl.String), "drop", "no row"),
        ("row_id", np.arange(ROWS), "drop", "row numbers"),
        ("query", [f"how to find {n} of {n * 7} words" for n in SOME + np.arange(ROWS) * 1_000],
         "drop", "a value a row"),
        ("shares", [[n / 9, 0.5] for n in SOME], "drop", "no feature"),
        ("born", ["1990-01-02", "1991-01-02"] * (ROWS // 2), "drop", "dates or times"),
        ("dwell_seconds", SOME, "drop", "'dwell'"),
        ("next_page", SOME, "drop", "'next'"),
        ("converted", CLICKS, "drop", "'converted'"),
        ("colour", np.where(CLICKS == 1, "red", "blue"), "drop", "values tell"),
        ("shade", [int(n) if c else None for n, c in zip(SOME, CLICKS, strict=True)],
         "drop", "missing almost just where"),
        ("item", ["top", "side"] * (ROWS // 2), "drop", "name"),
    ],
)  # fmt: skip
def test_each_column_gets_a_kind_and_a_reason(
    name: str, values: object, kind: str, reason: str
) -> None:
    found: tuple[str, str]
    if name == "item":  # taken by another column, as the owner says
        looked = profile(base(item=values, ad=SOME))
        made = kinds(looked, guess_roles(looked, Named(item="ad"), "log.csv"), ROWS)[0]
        found = (made.kind, made.reason)
    else:
        found = made_of(name, values)
    assert found[0] == kind, found
    assert reason in found[1]


def test_ids_that_are_too_many_for_a_vocabulary_are_hashed() -> None:
    looked = profile(base(shop_code=RNG.permutation(np.arange(ROWS) // 2)))
    guess = guess_roles(looked, Named(), "log.csv")
    assert kinds(looked, guess, ROWS)[0].kind == "categorical"
    assert kinds(looked, guess, 10_000_000)[0].kind == "hashed"


def test_a_column_that_goes_with_the_label_but_does_not_tell_it_is_kept() -> None:
    noisy = np.where(RNG.random(ROWS) < 0.1, 1 - CLICKS, CLICKS)
    assert made_of("colour", np.where(noisy == 1, "red", "blue"))[0] == "categorical"
