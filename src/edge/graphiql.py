"""GraphiQL, started by a script of our own; every file comes from this server."""

from formicary_web.assets import asset

from .answer import HTML, Answer

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self' data:; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

VENDOR = "vendor/graphiql"

DOCUMENT = f"""<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <link rel="icon" href="{asset("favicon.svg")}">
  <title>Formicary GraphiQL</title>
  <link rel="stylesheet" href="{asset(f"{VENDOR}/graphiql.min.css")}">
  <link rel="stylesheet" href="{asset("graphiql.css")}">
  <script defer src="{asset(f"{VENDOR}/react.production.min.js")}"></script>
  <script defer src="{asset(f"{VENDOR}/react-dom.production.min.js")}"></script>
  <script defer src="{asset(f"{VENDOR}/graphiql.min.js")}"></script>
  <script defer src="{asset("graphiql.js")}"></script>
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
