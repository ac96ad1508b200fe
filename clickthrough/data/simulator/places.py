"""Where users are: countries, regions, and markets of the United States.

Country shares are the published ones. States and markets (the public Nielsen numbers) are weighed
roughly by population; as in the real log some places stop at the country or the state.
"""

import numpy as np

from clickthrough.data.simulator.chance import Floats, normalized

_COUNTRIES: dict[str, tuple[float, tuple[str, ...]]] = {
    "CA": (0.082, ("ON", "ON", "ON", "BC", "AB", "QC", "SK", "MB", "NS")),
    "AU": (0.027, ("02", "02", "07", "07", "04", "08", "05")),
    "IN": (0.011, ("16", "19", "25", "07")),
    "GB": (0.009, ("H9", "I3", "K2", "V2")),
    "SG": (0.006, ("00",)),
    "PH": (0.005, ("D9", "B7")),
    "ZA": (0.004, ("06", "11")),
    "NZ": (0.004, ("E7", "F4")),
    "MY": (0.003, ("14",)),
    "IE": (0.003, ("07",)),
    "DE": (0.003, ("16", "02")),
    "JP": (0.003, ("40",)),
}
_MARKETS: dict[str, dict[int, float]] = {
    "CA": {803: 17, 807: 8, 862: 4, 825: 3.5, 866: 1.8}, "NY": {501: 14, 514: 2, 532: 1.5},
    "TX": {623: 8, 618: 7.5, 641: 2.8, 635: 2.4}, "FL": {528: 5, 539: 5.4, 534: 4.6, 561: 2},
    "IL": {602: 9.7}, "PA": {504: 8, 508: 3.4, 566: 1.8}, "OH": {510: 4, 535: 2.8, 515: 2.4},
    "GA": {524: 6.9}, "NC": {517: 3.4, 560: 3.3}, "MI": {505: 5, 563: 1.8}, "NJ": {501: 6},
    "VA": {511: 3.5, 556: 1.5, 544: 1.8}, "WA": {819: 5.5, 881: 1.1}, "AZ": {753: 5.6, 789: 1},
    "MA": {506: 7}, "TN": {659: 3, 640: 1.7, 557: 1.3}, "IN": {527: 3.2}, "MO": {609: 3, 616: 3},
    "MD": {512: 3, 511: 3}, "WI": {617: 2.5, 669: 1}, "CO": {751: 4.9}, "MN": {613: 5},
    "AL": {630: 2.2}, "SC": {567: 2.4, 546: 1}, "LA": {622: 1.9}, "KY": {529: 1.9, 541: 1.4},
    "OR": {820: 3.4}, "OK": {650: 2, 671: 1.5}, "CT": {533: 3}, "IA": {679: 1}, "UT": {770: 3},
    "NV": {839: 2.2}, "KS": {678: 1.3}, "HI": {744: 1.3}, "ID": {757: 0.8}, "MT": {762: 0.3},
}  # fmt: skip
_US_ALONE, _STATE_ALONE, _COUNTRY_ALONE = 0.025, 0.03, 0.03


def _all() -> tuple[list[str], list[int], list[float]]:
    names, countries, weights = ["US"], [0], [_US_ALONE]
    united = 1 - sum(share for share, _ in _COUNTRIES.values())
    total = sum(sum(markets.values()) for markets in _MARKETS.values())
    for state, markets in _MARKETS.items():
        whole = sum(markets.values()) / total * (1 - _US_ALONE)
        parts = [(f"US>{state}>{market}", part) for market, part in markets.items()]
        names += [f"US>{state}", *(name for name, _ in parts)]
        weights += [whole * _STATE_ALONE]
        weights += [whole * (1 - _STATE_ALONE) * p / sum(markets.values()) for _, p in parts]
        countries += [0] * (1 + len(parts))
    weights = [weight * united for weight in weights]
    for number, (country, (share, regions)) in enumerate(_COUNTRIES.items(), start=1):
        names += [country, *(f"{country}>{region}" for region in regions)]
        countries += [number] * (1 + len(regions))
        weights += [share * _COUNTRY_ALONE]
        weights += [share * (1 - _COUNTRY_ALONE) / len(regions)] * len(regions)
    return names, countries, weights


_names, _countries, _weights = _all()
PLACES = tuple(_names)
"""Texts of ``geo_location``."""
COUNTRY_OF = np.array(_countries)
"""The country of each place, 0 is the United States."""
PLACE_SHARES: Floats = normalized(_weights)
COUNTRIES = 1 + len(_COUNTRIES)
