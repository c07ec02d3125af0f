"""Speed of training whole models beside PyTorch and implicit, in the same run.

    python -m bench.models                      every group
    python -m bench.models factorization --match IALS --save ials

Groups are modules of bench.peers, as in bench.ops.
"""

from __future__ import annotations

from bench.ops import main

GROUPS = ("factorization", "mnist", "neumf", "nextitnet", "sequences")

if __name__ == "__main__":
    main(__doc__, GROUPS)
