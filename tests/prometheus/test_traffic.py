from formicary.prometheus.exposition import Format, expose
from formicary.prometheus.traffic import Traffic


def lines(traffic: Traffic) -> list[str]:
    text = expose(traffic.families(), Format.TEXT).decode()
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_requests_are_counted_by_endpoint_and_class_of_status() -> None:
    traffic = Traffic()
    for endpoint, status in [("/graphql", 200), ("/graphql", 204), ("/graphql", 503), ("pages", 404), ("pages", 0)]:
        traffic.note(endpoint, status, 0.1)
    assert lines(traffic)[:4] == [
        'formicary_http_requests_total{endpoint="/graphql",status="2xx"} 2',
        'formicary_http_requests_total{endpoint="/graphql",status="5xx"} 1',
        'formicary_http_requests_total{endpoint="pages",status="aborted"} 1',
        'formicary_http_requests_total{endpoint="pages",status="4xx"} 1',
    ]


def test_durations_are_counted_up_to_each_bound_whatever_the_status() -> None:
    traffic = Traffic()
    for status, seconds in [(200, 0.25), (200, 0.5), (503, 2.0), (200, 64.0)]:
        traffic.note("/graphql", status, seconds)
    name, own = "formicary_http_request_duration_seconds", 'endpoint="/graphql"'
    counted = {"0.1": 0, "0.25": 1, "0.5": 2, "1.0": 2, "2.5": 3, "10.0": 3, "+Inf": 4}
    assert {f'{name}_bucket{{{own},le="{bound}"}} {count}' for bound, count in counted.items()} <= set(lines(traffic))
    assert lines(traffic)[-2:] == [f"{name}_sum{{{own}}} 66.75", f"{name}_count{{{own}}} 4"]
