"""The pipe without any solver: read, compile, clean, build and hand over, at growing sizes.

Run it with ``make bench`` or ``python -m benchmarks.pipe --options 1000000``. Each size runs in a
process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optimiser.solvers.milp.matrix import Matrix

#: Options per organisation of `regional` at eight services: some 0.9 × 8 × 11.7.
PER_ORGANISATION = 84.5
SERVICES = 8


def measure(folder: str) -> dict[str, float]:
    """Run the pipe once on the instance in `folder`; seconds by stage, sizes, peak GiB."""
    from optimiser.files.instances import read
    from optimiser.model.clean import clean
    from optimiser.model.compile import compile_problem
    from optimiser.solvers.milp.formulation import Formulation

    seconds: dict[str, float] = {}
    clock = time.perf_counter()

    def lap(stage: str) -> None:
        nonlocal clock
        now = time.perf_counter()
        seconds[stage] = now - clock
        clock = now

    instance = read(folder)
    lap("read")
    problem = compile_problem(instance)
    lap("compile")
    cleaned, _ = clean(problem)
    lap("clean")
    matrix = Formulation(cleaned).matrix
    lap("build")
    hand_over(matrix)
    lap("hand over")
    return {
        **seconds,
        "total": sum(seconds.values()),
        "options": problem.options,
        "option-bands": problem.size("banded"),
        "columns": matrix.columns,
        "rows": matrix.rows,
        "non-zeros": matrix.a.nnz,
        "peak GiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def hand_over(matrix: Matrix) -> None:
    """Pass the matrix to HiGHS, as the solver `highs` does."""
    import highspy

    from optimiser.solvers.milp.highs import pass_matrix

    model = highspy.Highs()
    model.setOptionValue("output_flag", False)
    pass_matrix(model, matrix)


def main() -> None:
    """Measure the sizes asked for and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--options", type=int, nargs="*", default=[62_500, 250_000, 1_000_000])
    parser.add_argument("--measure", metavar="FOLDER", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(arguments.measure)))
        return
    from optimiser.files.instances import write
    from optimiser.studies.generate import generate

    print(f"{platform.node()}, {platform.processor() or platform.machine()}, Python "
          f"{platform.python_version()}, {time.strftime('%Y-%m-%d')}")  # fmt: skip
    header = ""
    for options in arguments.options:
        organisations = max(1, round(options / PER_ORGANISATION))
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "instance"
            instance = generate("regional", seed=0, organisations=organisations, services=SERVICES,
                                centres=max(12, organisations * 40 // 300),
                                co_operatives=max(4, organisations * 200 // 300))  # fmt: skip
            write(instance, target)
            command = [sys.executable, "-m", "benchmarks.pipe", "--measure", str(target)]
            printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            row = json.loads(printed.splitlines()[-1])  # HiGHS prints a banner first
        if not header:
            header = " | ".join(row)
            print(f"| {header} |\n|{'---:|' * len(row)}")
        print("| " + " | ".join(f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"
                                for value in row.values()) + " |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
