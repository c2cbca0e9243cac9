import click

EPILOG = """\b
Example:
  formicary schema > schema.graphql
"""


@click.command(epilog=EPILOG)
def schema() -> None:
    """Print the GraphQL schema, as SDL."""
    from ..schema import schema as api

    click.echo(api.as_str())
