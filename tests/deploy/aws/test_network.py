"""Nodes lie in private subnets, load balancers find theirs, a zone's loss is no other's."""

from tests.deploy.aws.stacks import of_type, outputs, properties, tags

_VALUES = {"ClusterName": "a-cluster"}
_ROLES = {"Public": "kubernetes.io/role/elb", "Private": "kubernetes.io/role/internal-elb"}


def _named(resource: object) -> set[str]:
    """Return the resources that an expression may become."""
    if isinstance(resource, dict):
        if set(resource) == {"Ref"}:
            return {resource["Ref"]}
        return set().union(*map(_named, resource.values()))
    return set().union(*map(_named, resource)) if isinstance(resource, list) else set()


def test_subnets_of_three_zones_have_addresses_of_their_own() -> None:
    subnets = of_type("network", "AWS::EC2::Subnet")
    assert len(subnets) == 6
    blocks = [str(each["CidrBlock"]) for each in subnets.values()]
    assert len(set(blocks)) == len(blocks)
    for kind in _ROLES:
        zones = {str(each["AvailabilityZone"]) for key, each in subnets.items() if kind in key}
        assert len(zones) == 3


def test_load_balancers_find_their_subnets() -> None:
    for name, subnet in of_type("network", "AWS::EC2::Subnet").items():
        has = tags(subnet["Tags"], _VALUES)
        for kind, role in _ROLES.items():
            assert has.get(role) == ("1" if name.startswith(kind) else None), name
        assert has["kubernetes.io/cluster/a-cluster"] == "shared"
        assert subnet["MapPublicIpOnLaunch"] is False


def _way_out(subnet: str) -> set[str]:
    """Return where the default route of a subnet may lead."""
    associations = of_type("network", "AWS::EC2::SubnetRouteTableAssociation").values()
    (table,) = [each["RouteTableId"] for each in associations if each["SubnetId"]["Ref"] == subnet]
    routes = [
        each
        for each in of_type("network", "AWS::EC2::Route").values()
        if each["RouteTableId"] == table and each["DestinationCidrBlock"] == "0.0.0.0/0"
    ]
    (route,) = routes
    return _named(route.get("GatewayId") or route.get("NatGatewayId"))


def test_public_subnets_lead_to_the_internet_and_private_ones_through_nat() -> None:
    for zone in "ABC":
        assert _way_out(f"PublicSubnet{zone}") == {"InternetGateway"}
        assert _way_out(f"PrivateSubnet{zone}") == {"NatA", f"Nat{zone}"}
        assert properties("network", f"Nat{zone}")["SubnetId"] == {"Ref": f"PublicSubnet{zone}"}


def test_each_subnet_is_handed_on() -> None:
    for kind in _ROLES:
        handed = _named(outputs("network")[f"{kind}Subnets"]["Value"]) - {"AWS::NoValue"}
        assert handed == {f"{kind}Subnet{zone}" for zone in "ABC"}
