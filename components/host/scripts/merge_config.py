"""Merges the keys of one YAML file into another and prints the result. Comments, order and quotes stay; a list is
replaced as a whole. Without a difference in data the file is printed byte for byte.

Usage: merge_config.py CONFIG OVERLAY OUT [RECORD...]
A record lists what earlier merges replaced, as [path, original] or, for a key that was not there, [path]. With it a key
that the overlay no longer has is again what it was. Two records are written: OUT/record for the file printed, and
OUT/pending for as long as nobody knows which of both files is in place.
What cannot be merged is one sentence on standard error, and nothing is printed.
"""

import io
import os
import sys

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.representer import RepresenterError

SAFE = YAML(typ="safe")
# The reader has errors of its own for broken YAML, and for some texts any other: a KeyError, a RecursionError.
UNREADABLE = Exception


class Refused(Exception):
    """What is wrong, where, and what to do."""


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def read(path):
    """Plain data of a YAML file; None when it is empty or absent."""
    return SAFE.load(text_of(path)) if os.path.exists(path) else None


def round_trip():
    """A reader that keeps comments, order and quotes."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    return yaml


def reason(error):
    """Why a text is not read, without its values, which may be secret."""
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8"
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or type(error).__name__
    mark = getattr(error, "problem_mark", None)
    line = f"line {mark.line + 1}: " if mark else ""
    return line + problem.split(" with value ")[0]


def read_config(path):
    """The map that the file holds, with its text."""
    try:
        text = text_of(path)
        base = round_trip().load(text)
    except UNREADABLE as error:
        raise Refused(
            f"{path} cannot be read as YAML, so it was left alone ({reason(error)}):"
            " mend it on the machine and run pulumi up again."
        ) from error
    if base is None:
        base = CommentedMap()
    if not isinstance(base, CommentedMap):
        raise Refused(
            f"{path} holds no keys, so it was left alone:"
            " give it keys and values on the machine and run pulumi up again."
        )
    return text, base


def read_overlay(path):
    """Keeps the quotes of the setting's text, without which some readers take it for something else."""
    try:
        return quoted(round_trip().load(text_of(path)) or {})
    except UNREADABLE as error:
        text = f"linkmeshConfig has text that YAML cannot hold ({reason(error)}): change the setting."
        raise Refused(text) from error


def quoted(value):
    """Plain data but for the quotes of texts. A number that keeps its looks is rounded when it is written."""
    if isinstance(value, dict):
        return {key: quoted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [quoted(item) for item in value]
    return value if isinstance(value, str) else plain(value)


def is_entry(entry):
    """[path] or [path, original]"""
    return (
        isinstance(entry, list)
        and len(entry) in (1, 2)
        and isinstance(entry[0], list)
        and len(entry[0]) > 0
        and all(isinstance(key, (str, int, float, bool)) for key in entry[0])
    )


def read_record(path):
    try:
        record = read(path) or []
    except UNREADABLE:
        record = None
    if isinstance(record, list) and all(map(is_entry, record)):
        return record
    raise Refused(
        f"{path} is not as the step config wrote it: remove it on the machine and run pulumi up again."
        " Keys that linkmeshConfig no longer has then stay as they are."
    )


def merge(base, overlay, path=()):
    """Puts overlay's keys into base, in place; yields a record entry for each key that this changed or added."""
    for key, value in overlay.items():
        here = [*path, plain(key)]
        is_map = isinstance(value, dict)
        if is_map and isinstance(base.get(key), dict):
            yield from merge(base[key], value, here)
        elif key not in base or base[key] != value:
            yield [here, recordable(base[key], here)] if key in base else [here]
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


def recordable(value, path):
    """A value as a record can hold it."""
    value = plain(value)
    try:
        SAFE.dump(value, io.StringIO())
    except RepresenterError as error:
        key = ".".join(map(str, path))
        raise Refused(
            f"the value of {key} in LinkMesh's config.yaml is of a kind that could not be put back later,"
            f" so nothing was changed: write it as plain text on the machine, or remove {key} from linkmeshConfig."
        ) from error
    return value


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
        for entry in record:
            known.setdefault(tuple(entry[0]), entry)
    return list(known.values())


def main(path, overlay, out, *records):
    text, base = read_config(path)
    before = plain(base)
    keys = read_overlay(overlay)
    known = union(read_record(record) for record in records)
    undo(base, [entry for entry in known if not holds(keys, entry[0])])
    kept = [entry for entry in known if holds(keys, entry[0])]
    record = union([kept, merge(base, keys)])
    for name, entries in (("record", record), ("pending", union([known, record]))):
        with open(os.path.join(out, name), "w", encoding="utf-8") as file:
            SAFE.dump(entries, file)
    if plain(base) == before:
        sys.stdout.write(text)
    else:
        round_trip().dump(base, sys.stdout)


try:
    main(*sys.argv[1:])
except Refused as refusal:
    sys.exit(str(refusal))
