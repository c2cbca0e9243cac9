"""How programs ask the API and record runs, as text to be copied."""

import json
import shlex
from dataclasses import dataclass

QUERY = '{ metrics(range: {last: "24h"}) { runs successRate } }'

CURL = """\
curl {endpoint} \\
  -H 'Content-Type: application/json' \\
{authorization}  -d {body}
"""
CURL_KEY = '  -H "Authorization: Bearer $FORMICARY_KEY" \\\n'

PYTHON = """\
import json, os, urllib.request

request = urllib.request.Request(
    {endpoint!r},
    data=json.dumps({{"query": {query!r}}}).encode(),
    headers={{"Content-Type": "application/json"{authorization}}},
)
with urllib.request.urlopen(request) as response:
    print(json.load(response)["data"])
"""
PYTHON_KEY = ', "Authorization": f"Bearer {os.environ[\'FORMICARY_KEY\']}"'

RECORDER = """\
import os
from formicary.client import Recorder

recorder = Recorder({url!r}{key})

with recorder.run("my-agent", version="1.0.0") as run:
    ...  # the agent's work; time, exceptions and retries are noted by themselves
"""
RECORDER_KEY = ', key=os.environ["FORMICARY_KEY"]'


@dataclass(frozen=True, slots=True)
class Snippet:
    """`id` is unique in the page."""

    id: str
    title: str
    text: str


def snippets(base: str, *, with_key: bool) -> list[Snippet]:
    """For the server at `base`, which ends with a slash; the key comes from the environment."""
    endpoint = f"{base}graphql"
    body = shlex.quote(json.dumps({"query": QUERY}))
    curl = CURL.format(endpoint=shlex.quote(endpoint), authorization=CURL_KEY if with_key else "", body=body)
    python = PYTHON.format(endpoint=endpoint, query=QUERY, authorization=PYTHON_KEY if with_key else "")
    recorder = RECORDER.format(url=base.rstrip("/"), key=RECORDER_KEY if with_key else "")
    if not with_key:
        python, recorder = python.replace(", os,", ","), recorder.removeprefix("import os\n")
    return [
        Snippet("ask-curl", "Ask with curl", curl),
        Snippet("ask-python", "Ask with Python", python),
        Snippet("record-python", "Record runs with Python", recorder),
    ]
