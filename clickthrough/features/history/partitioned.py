"""History by hash partitions of keys, in numpy: memory does not grow with the log.

Chunks of the log are summed by key and tick; these entries are divided by key, so that each
partition can be worked out in memory; what comes of it is given back to the rows of each chunk, in
their order. Nothing is sorted or joined as a whole.
"""

from pathlib import Path

from clickthrough.features.columns import KeySet
from clickthrough.features.history.coded_log import CodedLog
from clickthrough.features.history.counter_pass import CounterPass
from clickthrough.features.history.log_files import LogFiles
from clickthrough.features.history.neutral import HistorySet
from clickthrough.features.history.sequence_pass import SequencePass


class PartitionedPasses:
    """Computes the history of a log, one pass a set.

    Args:
        log: its tables.
        folder: where there is room.
    """

    def __init__(self, log: LogFiles, folder: Path) -> None:
        self._log, self._coded = log, CodedLog(log, folder)

    def write(self, of: HistorySet, path: Path) -> None:
        """Write the history columns of a set, in order of ``row``, beside nothing else."""
        if isinstance(of, KeySet):
            CounterPass(self._log, self._coded, of, path.parent).write(path)
        else:
            SequencePass(self._log, self._coded, of, path.parent).write(path)
