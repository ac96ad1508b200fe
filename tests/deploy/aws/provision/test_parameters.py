"""What is wrong in parameters is told before anything is made."""

from pathlib import Path

import pytest

from deploy.aws.provision.errors import RefusedError
from deploy.aws.provision.parameters import FILE, read


def _refusal(*said: str, file: Path = FILE) -> str:
    with pytest.raises(RefusedError) as caught:
        read(file, said)
    return str(caught.value)


def test_what_is_shipped_is_taken() -> None:
    assert read(FILE)["KubernetesVersion"] == "1.35"


def test_the_command_line_goes_before_the_file() -> None:
    assert read(FILE, ["NodesMax=9", "NodesMax=8"])["NodesMax"] == "8"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("NodesMax", "--set NodesMax: expected Name=value"),
        ("Nodes=3", "Nodes: no such parameter; there are AdminArn, "),
        ("Region=eu-central", "Region: 'eu-central' is none"),
        ("Region=", "Region: '' is none"),
        ("ClusterName=Ads", "ClusterName: 'Ads' is not allowed: 2 to 40 small letters"),
        ("Zones=4", "Zones: '4' is not allowed: one of 2, 3"),
        ("NodesMin=two", "NodesMin: 'two' is not allowed: a number from 1"),
        ("DiskGiB=5", "DiskGiB: '5' is not allowed: a number from 20 to 1000"),
        ("NodesMin=2.5", "NodesMin: '2.5' is not allowed: a number from 1"),
        ("NodesMin=\u0663", "is not allowed: a number from 1"),
        ("VpcCidr=300.0.0.0/16", "VpcCidr: Octet 300"),
        ("VpcCidr=10.0.0.1/16", "VpcCidr: 10.0.0.1/16 has host bits set"),
        ("VpcCidr=8.8.0.0/16", "VpcCidr: 8.8.0.0/16 is no private block"),
        ("ServiceCidr=10.0.0.0/16", "ServiceCidr: 10.0.0.0/16 overlaps with VpcCidr"),
        ("ServiceCidr=8.8.0.0/16", "ServiceCidr: 8.8.0.0/16 is no private block"),
        ("PublicAccessCidrs=999.1.1.1/32", "PublicAccessCidrs: Octet 999"),
        ("PublicAccessCidrs=198.51.100.7/32,a", "PublicAccessCidrs: '198.51.100.7/32,a' is not"),
        ("NodesMin=1", "NodesMin: 1 nodes for 2 zones"),
        ("NodesMax=2", "NodesMax: 2 is not more than NodesMin, 2"),
        ("KubernetesVersion=1.36", "is not of KubernetesVersion, 1.36"),
        ("NodeImage=ami-0123", "NodeImage: 'ami-0123' is no image"),
        ("PublicAccessCidrs=anywhere", "PublicAccessCidrs: 'anywhere' is not allowed: blocks"),
        ("InstanceType=m7i large", "InstanceType: 'm7i large' is not allowed: it has to match"),
    ],
)
def test_a_value_that_is_not_allowed_is_told_with_what_is(said: str, told: str) -> None:
    assert told in _refusal(said)


def test_several_blocks_may_reach_the_cluster() -> None:
    both = "198.51.100.7/32,203.0.113.0/24"
    assert read(FILE, [f"PublicAccessCidrs={both}"])["PublicAccessCidrs"] == both


def _without(name: str, folder: Path) -> Path:
    lines = [line for line in FILE.read_text().splitlines() if not line.startswith(f"{name}:")]
    file = folder / "parameters.yaml"
    file.write_text("\n".join(lines))
    return file


@pytest.mark.parametrize("name", ["Region", "ClusterName"])
def test_a_missing_parameter_is_named_with_its_file(name: str, tmp_path: Path) -> None:
    file = _without(name, tmp_path)
    assert _refusal(file=file) == f"{file}: {name} is missing"


def test_what_a_stack_has_a_default_for_may_lack(tmp_path: Path) -> None:
    assert "LogDays" not in read(_without("LogDays", tmp_path))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "expected a line 'Name: value'"),
        ("- Region", "expected a line 'Name: value'"),
        ("Region: [a", "not YAML"),
        ("Region: [a]", "Region: expected a text or a number"),
        ("AdminArn:", 'AdminArn: expected a text or a number; nothing is ""'),
        ("KubernetesVersion: 1.30", "KubernetesVersion: 1.3 is not read as it is written"),
    ],
)
def test_a_file_that_is_none_is_told(text: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "parameters.yaml"
    file.write_text(text)
    refusal = _refusal(file=file)
    assert refusal.startswith(f"{file}: ")
    assert told in refusal


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert _refusal(file=tmp_path / "none") == f"{tmp_path / 'none'}: No such file or directory"


def test_a_file_that_is_not_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xff\xfe\x00")
    assert "not YAML" in _refusal(file=tmp_path / "a")
