"""`python -m tests.bench [--quick] [--only SUBJECT]… [--json]`."""

import argparse
import sys
import time
from collections.abc import Callable
from importlib import import_module

from .figures import Report, print_report, to_json

SUBJECTS = ("recording", "recorder", "otlp", "folding", "requests", "starting", "reading", "aggregates", "dashboard")
ASKED_FOR = ("growth",)
"""Subjects that take very long, and are measured only when they are named."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure what the project promises.")
    parser.add_argument(
        "--only", action="append", choices=SUBJECTS + ASKED_FOR, help="measure this subject; may be repeated"
    )
    parser.add_argument("--quick", action="store_true", help="smaller amounts: under a minute, for a first look")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON on stdout, the tables on stderr")
    arguments = parser.parse_args()
    out = sys.stderr if arguments.json else sys.stdout
    reports = []
    for subject in arguments.only or SUBJECTS:
        report = _timed(import_module(f".{subject}", __package__).measure, quick=arguments.quick)
        print_report(report, out)
        reports.append(report)
    if arguments.json:
        print(to_json(reports))


def _timed(measure: Callable[..., Report], *, quick: bool) -> Report:
    begun = time.perf_counter()
    report = measure(quick=quick)
    report.seconds = time.perf_counter() - begun
    return report


if __name__ == "__main__":
    main()
