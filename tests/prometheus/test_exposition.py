"""What is exposed reads the same by the parsers of prometheus-client, in both formats."""

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from formicary.prometheus.exposition import Family, Format, Kind, expose

READERS = {Format.TEXT: read_text, Format.OPENMETRICS: read_openmetrics}


@pytest.fixture(params=list(Format))
def format_(request: pytest.FixtureRequest) -> Format:
    return Format(request.param)


def read(format_: Format, *families: Family) -> list[Metric]:
    return list(READERS[format_](expose(families, format_).decode()))


def test_a_counter_keeps_its_values_and_labels(format_: Format) -> None:
    family = Family("ants_total", Kind.COUNTER, "Ants seen.", "colony", "caste")
    family.add(2**53 - 1, "a", "worker")
    family.add(0.1, "a", "queen")
    [metric] = read(format_, family)
    assert (metric.name, metric.type, metric.documentation) == ("ants", "counter", "Ants seen.")
    assert [(sample.name, sample.labels, sample.value) for sample in metric.samples] == [
        ("ants_total", {"colony": "a", "caste": "worker"}, 2**53 - 1),
        ("ants_total", {"colony": "a", "caste": "queen"}, 0.1),
    ]


@pytest.mark.parametrize("value", ['say "no"', "a\\b", "a\\nb", "two\nlines", "ünï·çødé", "", "%s {x=}", "1,2"])
def test_a_label_holds_any_text(format_: Format, value: str) -> None:
    family = Family("ants", Kind.GAUGE, "Ants.", "name")
    family.add(1, value)
    [metric] = read(format_, family)
    assert metric.samples[0].labels == {"name": value}


@pytest.mark.parametrize("labels", [(), ("colony",)])
def test_a_histogram_has_its_buckets_sum_and_count(format_: Format, labels: tuple[str, ...]) -> None:
    family = Family("walk_seconds", Kind.HISTOGRAM, "Seconds.", *labels)
    family.add_histogram(("0.5", "1.0", "+Inf"), (1, 3, 4), 7.25, *("b" for _ in labels))
    [metric] = read(format_, family)
    own = dict.fromkeys(labels, "b")
    assert [(sample.name, sample.labels, sample.value) for sample in metric.samples] == [
        ("walk_seconds_bucket", {**own, "le": "0.5"}, 1),
        ("walk_seconds_bucket", {**own, "le": "1.0"}, 3),
        ("walk_seconds_bucket", {**own, "le": "+Inf"}, 4),
        ("walk_seconds_sum", own, 7.25),
        ("walk_seconds_count", own, 4),
    ]


def test_a_family_without_samples_keeps_its_place(format_: Format) -> None:
    empty, full = Family("ants", Kind.GAUGE, "Ants."), Family("eggs", Kind.GAUGE, "Eggs.")
    full.add(3)
    assert [metric.name for metric in read(format_, empty, full)] == ["ants", "eggs"]
