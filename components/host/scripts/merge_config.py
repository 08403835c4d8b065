"""Merges the keys of one YAML file into another and prints the result. Comments, order and quotes stay; a list is
replaced as a whole. Without a difference in data the file is printed byte for byte.

Usage: merge_config.py CONFIG OVERLAY OUT [RECORD...]
A record lists what earlier merges replaced, as [path, original] or, for a key that was not there, [path]. With it a key
that the overlay no longer has is again what it was. Two records are written: OUT/record for the file printed, and
OUT/pending for as long as nobody knows which of both files is in place.
"""

import os
import sys

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

SAFE = YAML(typ="safe")


def read(path):
    """Plain data of a YAML file; None when it is empty or absent."""
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        return SAFE.load(file)


def merge(base, overlay, path=()):
    """Puts overlay's keys into base, in place; yields a record entry for each key that this changed or added."""
    for key, value in overlay.items():
        here = [*path, key]
        is_map = isinstance(value, dict)
        if is_map and isinstance(base.get(key), dict):
            yield from merge(base[key], value, here)
        elif key not in base or base[key] != value:
            yield [here, plain(base[key])] if key in base else [here]
            base[key] = CommentedMap() if is_map else value
            if is_map:
                yield from merge(base[key], value, here)


def undo(base, entries):
    """Puts back what earlier merges replaced, the innermost keys first. A map that others have filled since stays."""
    for path, *original in sorted(entries, key=lambda entry: -len(entry[0])):
        place = base
        for key in path[:-1]:
            place = place.get(key) if isinstance(place, dict) else None
        if not isinstance(place, dict) or path[-1] not in place:
            continue
        if original:
            place[path[-1]] = original[0]
        elif not (isinstance(place[path[-1]], dict) and place[path[-1]]):
            del place[path[-1]]


def holds(keys, path):
    """True when a map has a value at the path."""
    for key in path:
        if not isinstance(keys, dict) or key not in keys:
            return False
        keys = keys[key]
    return True


def plain(value):
    """A value without what ruamel keeps about its looks."""
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value


def union(records):
    """The entries of all records, the first one for each path."""
    known = {}
    for record in records:
        for entry in record or []:
            known.setdefault(tuple(entry[0]), entry)
    return list(known.values())


def main(path, overlay, out, *records):
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    with open(path, encoding="utf-8") as file:
        text = file.read()
    base = yaml.load(text)
    if base is None:
        base = CommentedMap()
    before = plain(base)
    keys = read(overlay) or {}
    known = union(read(record) for record in records)
    undo(base, [entry for entry in known if not holds(keys, entry[0])])
    kept = [entry for entry in known if holds(keys, entry[0])]
    record = union([kept, merge(base, keys)])
    for name, entries in (("record", record), ("pending", union([known, record]))):
        with open(os.path.join(out, name), "w", encoding="utf-8") as file:
            SAFE.dump(entries, file)
    if plain(base) == before:
        sys.stdout.write(text)
    else:
        yaml.dump(base, sys.stdout)


main(*sys.argv[1:])
