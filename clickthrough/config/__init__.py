"""The one typed configuration: what a YAML file may say, and what it means."""

from clickthrough.config.load import load_config
from clickthrough.config.root import Config

__all__ = ["Config", "load_config"]
