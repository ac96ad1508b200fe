import pytest

from clickthrough.evaluation.gap import gap_closed, gaps_closed


def row(value: float | None) -> dict[str, float | None]:
    return {"auc": value, "request_auc": 0.5, "map_at_12": value, "log_loss": 0.1}


def test_the_share_is_of_the_way_from_the_item_rate_to_each_target() -> None:
    results = {
        "mlp": row(0.7),
        "smoothed item rate": row(0.6),
        "truth": row(0.8),
        "observable oracle": row(0.75),
    }
    found = gaps_closed(results)
    assert list(found) == ["truth", "observable oracle"]
    assert found["truth"]["mlp"]["auc"] == pytest.approx(0.5)
    assert found["observable oracle"]["mlp"]["map_at_12"] == pytest.approx(2 / 3)
    assert found["truth"]["smoothed item rate"]["auc"] == 0
    assert found["truth"]["truth"]["auc"] == 1
    assert found["observable oracle"]["truth"]["auc"] == pytest.approx(4 / 3)


def test_there_is_no_share_of_no_gap() -> None:
    assert gap_closed(0.7, 0.5, 0.5) is None
    assert gap_closed(0.7, 0.5, 0.4) is None
    assert gap_closed(None, 0.5, 0.6) is None
    assert gap_closed(0.4, 0.5, 0.6) == pytest.approx(-1)
    found = gaps_closed({"smoothed item rate": row(0.6), "truth": row(0.8)})
    assert found["truth"]["truth"]["request_auc"] is None


def test_without_the_item_rate_or_a_target_there_are_no_shares() -> None:
    assert gaps_closed({"mlp": row(0.7), "truth": row(0.8)}) == {}
    assert gaps_closed({"mlp": row(0.7), "smoothed item rate": row(0.6)}) == {}
