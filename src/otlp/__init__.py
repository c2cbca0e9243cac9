"""OpenTelemetry in: bodies of `/v1/traces` are decoded, made slim spans, kept by trace and made runs.

body -> protobuf_body (message) | json_body -> span (aliases) -> receiver -> trace (span_state) -> run -> recorder
"""
