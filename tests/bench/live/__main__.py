"""`python -m tests.bench.live [fanout] [opening] [stalled] [churn]`: those named, or all."""

import sys

from tests.bench.live import churn, fanout, opening, stalled

if __name__ == "__main__":
    benchmarks = {"fanout": fanout.run, "opening": opening.run, "stalled": stalled.run, "churn": churn.run}
    for name in sys.argv[1:] or benchmarks:
        for line in benchmarks[name]():
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
