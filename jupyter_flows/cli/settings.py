"""The settings as a server would read them: `FlowsApp` in jupyter_flows_config.py or .json."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from jupyter_core.paths import jupyter_config_path
from traitlets import TraitError
from traitlets.config.loader import (
    Config,
    ConfigFileNotFound,
    JSONFileConfigLoader,
    PyFileConfigLoader,
)

from jupyter_flows.core.errors import BadInput
from jupyter_flows.settings import CONFIG_NAME, FlowsSettings

F = TypeVar("F", bound=Callable[..., Any])


def data_dir_option(command: F) -> F:
    """`--data-dir`, which every command has."""
    option = click.option(
        "--data-dir",
        metavar="FOLDER",
        help="Where runs, outputs and keys are. Default: $JUPYTER_FLOWS_DATA_DIR, or `flows` in"
        " Jupyter's data folder.",
    )
    return option(command)


def load_settings(data_dir: str | None) -> FlowsSettings:
    """Raises BadInput for a setting that can't be used."""
    settings = FlowsSettings()
    try:
        for name, value in _configured().items():
            if settings.has_trait(name):
                settings.set_trait(name, value)
    except TraitError as error:
        raise BadInput(f"{CONFIG_NAME}: {error}") from None
    if data_dir:
        settings.data_dir = str(Path(data_dir).absolute())
    return settings


def _configured() -> Config:
    """The later folder's files count before the earlier's, as in Jupyter."""
    config = Config()
    for folder in reversed(jupyter_config_path()):
        for loader in (PyFileConfigLoader, JSONFileConfigLoader):
            suffix = "py" if loader is PyFileConfigLoader else "json"
            try:
                config.merge(loader(f"{CONFIG_NAME}.{suffix}", path=folder).load_config())
            except ConfigFileNotFound:
                continue
            except Exception as error:
                raise BadInput(f"{folder}/{CONFIG_NAME}.{suffix} can't be read: {error}") from error
    section: Config = config.FlowsApp
    return section
