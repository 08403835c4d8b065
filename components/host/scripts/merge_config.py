"""Merges the keys of the second YAML file into the first and prints the result. Comments, order and quotes stay; a list
is replaced as a whole. Without a difference in data the first file is printed byte for byte."""

import sys

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap


def merge(base, overlay):
    """Puts overlay's keys into base, in place; true when that changed its data."""
    changed = False
    for key, value in overlay.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            changed |= merge(base[key], value)
        elif key not in base or base[key] != value:
            base[key] = value
            changed = True
    return changed


def main(path, overlay_path):
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    with open(path, encoding="utf-8") as file:
        text = file.read()
    base = yaml.load(text)
    if base is None:
        base = CommentedMap()
    with open(overlay_path, encoding="utf-8") as file:
        overlay = YAML(typ="safe").load(file)
    if merge(base, overlay):
        yaml.dump(base, sys.stdout)
    else:
        sys.stdout.write(text)


main(*sys.argv[1:])
