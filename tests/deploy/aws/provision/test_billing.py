"""What an hour costs is reckoned of the parameters and of published prices."""

import pytest
import yaml

from deploy.aws.provision.billing import FILE, bill, lines
from deploy.aws.provision.parameters import FILE as PARAMETERS
from deploy.aws.provision.parameters import read

_PRICES = {
    "cluster_hour": 1.0,
    "instance_hour": {"m7i.large": 10.0},
    "nat_gateway_hour": 100.0,
    "public_address_hour": 0.0,
    "load_balancer_hour": 0.0,
    "disk_gib_month": 0.0,
    "key_month": 0.0,
}


def _total(*said: str) -> float:
    return sum(line.total for line in lines(read(PARAMETERS, said), _PRICES))


def test_each_part_is_counted_as_often_as_it_is_there() -> None:
    assert _total() == 1 + 2 * 10 + 100
    assert _total("NodesMin=3", "NatGateways=zone") == 1 + 3 * 10 + 2 * 100
    assert _total("NodesMin=3", "Zones=3", "NatGateways=zone") == 1 + 3 * 10 + 3 * 100


def test_a_disk_is_reckoned_by_the_month() -> None:
    prices = dict.fromkeys(_PRICES, 0.0) | {"instance_hour": {}, "disk_gib_month": 7.3}
    total = sum(line.total for line in lines(read(PARAMETERS), prices))
    assert total == pytest.approx((2 * 30 + 20) * 0.01)


def test_what_is_not_listed_is_told_instead_of_guessed() -> None:
    told = list(bill(read(PARAMETERS, ["InstanceType=c99.huge"])))
    (node,) = [line for line in told if "x node c99.huge" in line]
    assert node.endswith("not listed")
    assert any("together" in line and "and node c99.huge" in line for line in told)


def test_another_region_is_told_to_have_other_prices() -> None:
    assert "eu-central-1, as published" in next(iter(bill(read(PARAMETERS))))
    first = next(iter(bill(read(PARAMETERS, ["Region=ap-south-1"]))))
    assert "us-east-1, as published" in first
    assert "ap-south-1 has others" in first


def test_each_region_has_every_price_and_the_shipped_type() -> None:
    for prices in yaml.safe_load(FILE.read_text())["regions"].values():
        assert set(prices) == set(_PRICES)
        assert read(PARAMETERS)["InstanceType"] in prices["instance_hour"]
        assert all(line.hour for line in lines(read(PARAMETERS), prices))
