"""What the file is called by which editors check a configuration, and how they are told of it."""

NAME = "clickthrough.schema.json"
"""Of the file, beside a configuration."""
FIRST_LINE = f"# yaml-language-server: $schema={NAME}"
"""How editors are told of that file, which lies beside: so it is found without the internet."""
