"""Published accuracy tables: each is trained, evaluated and printed beside the figures in print by a command."""

from likewise.reproduce.entries import ENTRIES
from likewise.reproduce.entry import Contender, Entry, Task
from likewise.reproduce.runs import read_runs, results_file, run_entry
from likewise.reproduce.table import table_rows

__all__ = ["ENTRIES", "Contender", "Entry", "Task", "read_runs", "results_file", "run_entry", "table_rows"]
