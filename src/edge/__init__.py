"""The HTTP edge: from bytes to requests, from answers to bytes; each part a function or a small ASGI callable."""
