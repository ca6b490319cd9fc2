"""`python -m tests.bench.live [NAME...]`: the benchmarks named (fanout, crowd, away ...), or all."""

import sys

from tests.bench.live import away, churn, crowd, fanout, many_pods, opening, stalled

if __name__ == "__main__":
    benchmarks = {
        "fanout": fanout.run,
        "opening": opening.run,
        "crowd": crowd.run,
        "stalled": stalled.run,
        "pods": many_pods.run,
        "away": away.run,
        "churn": churn.run,
    }
    for name in sys.argv[1:] or benchmarks:
        for line in benchmarks[name]():
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
