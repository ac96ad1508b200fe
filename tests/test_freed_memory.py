import subprocess
import sys

import pytest

_FAULTS = """
import resource, torch
from clickthrough.freed_memory import keep_freed_memory
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


_HELD = """
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import numpy as np
from clickthrough.freed_memory import give_back_freed_memory, keep_freed_memory
def held():
    return int(re.search(r"RssAnon:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
def work(_):
    arrays = [np.ones(1_000_000) for _ in range(20)]
    kept = np.ones(1_000)  # above them, so that the arena cannot shrink
    return kept if arrays else None
keep_freed_memory()
before = held()
with ThreadPoolExecutor(2) as pool:
    kept = [*pool.map(work, range(4))]
after = held()
give_back_freed_memory()
print(after - before, held() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc alone")
def test_what_threads_freed_is_given_back() -> None:
    run = [sys.executable, "-c", _HELD]
    kept, left = subprocess.run(run, check=True, capture_output=True, text=True).stdout.split()
    assert int(kept) > 100_000
    assert int(left) < 20_000
