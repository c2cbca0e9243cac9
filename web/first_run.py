"""How to send the first run, for who has none yet."""

import shlex

from .visit import Visit

COMMAND = """\
curl {address} \\
  -H 'Content-Type: application/json' \\
{authorization}  -d '{{
    "query": "mutation($input: RecordRunsInput!) {{ recordRuns(input: $input) {{ recorded }} }}",
    "variables": {{"input": {{"runs": [
      {{"agent": "my-agent", "version": "1.0.0", "status": "SUCCEEDED", "timeTaken": "2.5s"}}
    ]}}}}
  }}'
"""
AUTHORIZATION = '  -H "Authorization: Bearer $FORMICARY_KEY" \\\n'


def first_run(visit: Visit) -> str:
    """A command that records a run at the address under which this page was reached."""
    address = shlex.quote(f"{visit.request.base_url}graphql")
    needs_key = visit.principal.key_id is not None
    return COMMAND.format(address=address, authorization=AUTHORIZATION if needs_key else "")
