"""Runs from files: JSON lines, JSON or CSV, in the API's own shape or as other tools export their traces.

file -> records -> own | langfuse, phoenix (-> spans -> otlp) -> loading -> ingest.recorder
"""
