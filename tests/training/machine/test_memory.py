import subprocess
import sys

import pytest

_FAULTS = """
import resource, torch
from clickthrough.training.machine.memory import keep_freed_memory
{first}
def faults():
    start = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        one, other = torch.ones(4_000_000), torch.ones(16_000_000)
        del one, other
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - start
faults()
print(faults())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc alone")
def test_freed_memory_is_not_mapped_anew() -> None:
    def faults(first: str) -> int:
        run = [sys.executable, "-c", _FAULTS.format(first=first)]
        return int(subprocess.run(run, check=True, capture_output=True, text=True).stdout)

    assert faults("keep_freed_memory()") < faults("") / 20
