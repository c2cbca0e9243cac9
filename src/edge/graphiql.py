"""GraphiQL, started by a script of our own; every file comes from this server."""

from .answer import HTML, Answer

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self' data:; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

DOCUMENT = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Formicary GraphiQL</title>
  <link rel="stylesheet" href="/static/vendor/graphiql/graphiql.min.css">
  <link rel="stylesheet" href="/static/graphiql.css">
  <script defer src="/static/vendor/graphiql/react.production.min.js"></script>
  <script defer src="/static/vendor/graphiql/react-dom.production.min.js"></script>
  <script defer src="/static/vendor/graphiql/graphiql.min.js"></script>
  <script defer src="/static/graphiql.js"></script>
</head>
<body>
  <div id="graphiql">GraphiQL is loading …</div>
</body>
</html>
"""

PAGE = Answer(
    DOCUMENT.encode(),
    content_type=HTML,
    headers=(
        (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
        (b"referrer-policy", b"same-origin"),
        (b"vary", b"accept"),
    ),
)
