"""What a run was made of: its ``hyperparams.yaml`` as plain data.

Nothing is built: to read a run must not seed dice, make folders or load weights. Parts
that are wanted are built one by one, and of this package's classes only.

Authors
 * The mert_sb developers 2026
"""

from importlib import import_module
from typing import NamedTuple

import yaml

from mert_sb.plain_yaml import compose
from mert_sb.texts import read_text

HYPERPARAMS = "hyperparams.yaml"


class Made(NamedTuple):
    """What a tag of HyperPyYAML would have made.

    Arguments
    ---------
    tag : str
        ``new``, ``name``, ``apply`` and the like.
    name : str
        The dotted name of class or function.
    settings : object
        What it would have been given, as a rule a dictionary.

    Example
    -------
    >>> Made("new", "torch.nn.Linear", {}).kind
    'Linear'
    """

    tag: str
    name: str
    settings: object

    @property
    def kind(self):
        """The last part of the name."""
        return self.name.rpartition(".")[2]


class _Reader(yaml.SafeLoader):
    """A safe loader that keeps HyperPyYAML's tags."""


def _keep_tag(reader, suffix, node):
    if isinstance(node, yaml.MappingNode):
        value = reader.construct_mapping(node, deep=True)
    elif isinstance(node, yaml.SequenceNode):
        value = reader.construct_sequence(node, deep=True)
    else:
        value = reader.construct_scalar(node) or {}
    tag, _, name = suffix.partition(":")
    return Made(tag, name, value)


_Reader.add_multi_constructor("!", _keep_tag)


class Settings(dict):
    """Hyperparameters that name their file where a key is missing.

    Arguments
    ---------
    values : dict
        By key.
    path : pathlib.Path
        The file.

    Example
    -------
    >>> Settings({}, "hyperparams.yaml")["teachers"]
    Traceback (most recent call last):
        ...
    ValueError: hyperparams.yaml: there is no key teachers, which every ...
    """

    def __init__(self, values, path):
        super().__init__(values)
        self.path = path

    def __missing__(self, key):
        """Say which file lacks it."""
        raise ValueError(
            f"{self.path}: there is no key {key}, which every recipe of this "
            "version writes; it is an older version's"
        )


def read_settings(folder):
    """The hyperparameters that a run has left in its folder.

    Arguments
    ---------
    folder : pathlib.Path
        With ``hyperparams.yaml``.

    Returns
    -------
    Settings
        Its keys, and those of the ``base`` it stands on; what a tag would have
        made is a ``Made``.

    Raises
    ------
    ValueError
        If the file is no YAML of keys and values.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> text = "base: {a: 1}\\nb: !new:torch.nn.Linear\\n  in_features: 2"
    >>> _ = (folder / "hyperparams.yaml").write_text(text)
    >>> sorted(read_settings(folder).items())
    [('a', 1), ('b', Made(tag='new', name='torch.nn.Linear', settings={'in_features': 2}))]
    """
    path = folder / HYPERPARAMS
    try:
        text = read_text(path)
        # Counts what aliases make of it; PyYAML's own pass would not.
        compose(text, path)
        values = yaml.load(text, Loader=_Reader)
    except (AttributeError, TypeError, ValueError, yaml.YAMLError) as error:
        raise ValueError(
            f"{path}: no YAML that a recipe wrote: {error}"
        ) from error
    if not isinstance(values, dict):
        raise ValueError(f"{path}: no mapping of keys to values")
    while isinstance(base := values.pop("base", None), dict):
        values = {**base, **values}
    return Settings(values, path)


def build(made, package):
    """Build what a tag names.

    Arguments
    ---------
    made : Made
        From ``read_settings``; its settings may hold others.
    package : str
        Where its class must be from, such as ``mert_sb.teachers``, which offers it
        by its name.

    Returns
    -------
    object
        Of that class.

    Raises
    ------
    ValueError
        If the class is from elsewhere, or takes other settings.

    Example
    -------
    >>> made = Made("name", "mert_sb.teachers.CQTTeacher", {"n_bins": 84})
    >>> build(made, "mert_sb.teachers").transform.n_bins
    84
    """
    if not isinstance(made, Made) or not made.name.startswith(f"{package}."):
        name = made.name if isinstance(made, Made) else made
        raise ValueError(f"{name} is not of {package}")
    offered = vars(import_module(package))
    is_class = isinstance(offered.get(made.kind), type)
    if not is_class or not isinstance(made.settings, dict):
        raise ValueError(f"{made.name}: {package} has none such")
    settings = {
        key: build(value, package) if isinstance(value, Made) else value
        for key, value in made.settings.items()
    }
    try:
        return offered[made.kind](**settings)
    except TypeError as error:
        raise ValueError(f"{made.name}: {error}") from error
