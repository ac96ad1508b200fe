"""What names of columns hint at."""

import pytest

from clickthrough.init.names import declared_type, leak, names_rows, one_of_many, words


@pytest.mark.parametrize(
    ("name", "held"),
    [
        ("userid", ["user", "id"]),
        ("adid", ["ad", "id"]),
        ("deviceid", ["device", "id"]),
        ("adgroupid", ["adgroup", "id"]),
        ("ITEMID", ["item", "id"]),
        ("isclick", ["is", "click"]),
        ("clicktime", ["click", "time"]),
        ("user_id:token", ["user", "id"]),
        ("timestamp:float", ["timestamp"]),
        *((word, [word]) for word in ("uid", "ipad", "thread", "country", "paid", "today", "said")),
    ],
)
def test_joined_words_are_divided_where_each_is_known(name: str, held: list[str]) -> None:
    assert words(name) == held


@pytest.mark.parametrize("name", ["country", "zipcode", "user_id", "age_group", "app", "C_id"])
def test_names_of_ids(name: str) -> None:
    assert one_of_many(name) is True


@pytest.mark.parametrize(
    "name", ["age", "user_age", "num_ads", "item_price", "adcount", "position", "n_items"]
)
def test_names_of_quantities(name: str) -> None:
    assert one_of_many(name) is False


@pytest.mark.parametrize(
    ("name", "label", "word"),
    [
        ("click_time", "click", "click"),
        ("click_time", "is_attributed", None),
        ("click_time", "bought", None),
        ("attributed_time", "is_attributed", "attributed"),
        ("next_page", "bought", "next"),
        ("last_click", "click", None),
        ("post_id", "click", None),
        ("prior_purchases", "click", None),
    ],
)
def test_what_leaks_depends_on_the_label(name: str, label: str, word: str | None) -> None:
    assert leak(name, label) == word


@pytest.mark.parametrize("name", ["Unnamed: 0", "index", "row_id", "__index_level_0__", "column_1"])
def test_names_of_an_index(name: str) -> None:
    assert names_rows(name)
    assert not names_rows(f"user_{name}")


def test_a_type_is_declared_behind_a_colon_alone() -> None:
    assert declared_type("a:token_seq") == "token_seq"
    assert declared_type("a:b") is None
    assert declared_type(":token") is None
