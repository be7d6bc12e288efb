"""YAML 1.2's core types, as editors read a config; PyYAML's own are those of 1.1, where `off` is false."""

import re

import yaml


class _Loader(yaml.BaseLoader):  # pylint: disable=too-many-ancestors
    """BaseLoader makes everything a text."""


_TYPES = [
    ("bool", r"true|True|TRUE|false|False|FALSE", lambda text: text.lower() == "true"),
    ("null", r"null|Null|NULL|~|", lambda text: None),
    ("int", r"[-+]?[0-9]+", int),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", float),
]
for _name, _pattern, _make in _TYPES:
    _tag = f"tag:yaml.org,2002:{_name}"
    _Loader.add_implicit_resolver(_tag, re.compile(f"^(?:{_pattern})$"), None)
    _Loader.add_constructor(_tag, lambda loader, node, make=_make: make(loader.construct_scalar(node)))


def load(text):
    return yaml.load(text, _Loader)
