"""What the fields of a space's card may hold, and the check of a card against it.

A rule is a type; a tuple of rules, one of which must fit; a list with the rule of its entries; a set of the
texts that may stand there; None for null; `Any`; or a dictionary of rules by key. A key that ends in ``?``
may be left out, and `...` stands for all others. Here and not in a library of schemas, which would make
`liminal info` a tenth of a second slower.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

Rule = Any


class Case(dict[str, "Rule"]):
    """The rules of an object by what its ``kind`` says."""


NUMBER: Rule = (int, float)
MAYBE: Rule = (int, float, None)  # a number that is not finite is written as null
PLAIN: Rule = (str, int, float, bool, None)
COUNTS: Rule = {"n_train?": int, "n_held?": int}
KINDS = frozenset({"number", "bool", "category"})

EVIDENCE: Rule = [
    {
        **dict.fromkeys(("name", "kind", "method", "score_name", "note"), str),
        **dict.fromkeys(("score", "unit", "effect", "projected_score?"), MAYBE),
        "strengths": [NUMBER],
        "effects": [MAYBE],
        "leakage": {...: MAYBE},
        "moves?": {...: MAYBE},
        "works": bool,
        "best_dimension?": ([NUMBER], None),
        "looks_real?": ([NUMBER], None),
    }
]
PART: Rule = {
    "bytes?": int,
    "version?": int,
    "sha256?": str,
    "file?": str,
    "files?": {...: {"bytes": int, "sha256": str}},
}
READER: Rule = {
    **PART,
    "shape": [int],
    "width": int,
    "spec": {
        ...: Case(number={"mean": NUMBER, "std": NUMBER}, bool={}, category={"classes": [str]}),
    },
    "scores?": {...: {...: MAYBE}},
}
CARD: Rule = {
    "kind": str,
    "liminal": str,
    "created": str,
    "format": int,
    "seed?": int,
    "notes?": [str],
    "model": {"class": str, "arguments": {"code?": [int]}, "dimensions?": {...: int}},
    "modality": {"name": str, "arguments": dict},
    "prior": {"name": str, "dim": int},
    "sampler?": {
        "default?": str,
        "why?": str,
        "tests?": {...: {"same?": MAYBE, "p?": MAYBE}},
        "fitted?": {...: {"dim": int, "support?": str, "components?": int, "width?": int, "steps?": int}},
    },
    "data?": {**COUNTS, "name?": str, "source?": (str, None), "licence?": (str, None), "read?": [PLAIN]},
    "attributes?": {...: KINDS},
    "training?": {
        **dict.fromkeys(("epochs?", "seconds?", "cpu_seconds?", "images_per_second?", "rate?"), NUMBER),
        **dict.fromkeys(("steps?", "threads?", "processes?", "setbacks?", "batch?"), int),
        "device?": str,
        "precision?": str,
        "loss?": {...: MAYBE},
        ...: (*PLAIN, {...: PLAIN}),
    },
    "measures?": {"active_units?": int},
    "parts?": {
        "items.lance?": {**PART, "version": int},
        "reader.safetensors?": READER,
        "directions.safetensors?": {**PART, "evidence": str},
        ...: PART,
    },
}
_WORDS = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dict: "an object",
    None: "null",
}
_MISSING = object()


def problem(card: Mapping[str, Any]) -> str | None:
    """The first field of a card that is not as it must be, with what was wanted and what came; None where all
    are.
    """
    found = _problem(card, CARD, "")
    told = card.get("parts", {}).get("directions.safetensors", {}).get("evidence") if found is None else None
    if told is None:
        return found
    try:
        evidence = json.loads(told)
    except (ValueError, RecursionError):
        evidence = told
    return _problem(evidence, EVIDENCE, "parts.directions.safetensors.evidence")


def _problem(value: object, rule: Rule, at: str) -> str | None:
    """As `problem`, for the field at a path."""
    if rule is Any:
        return None
    if isinstance(rule, tuple):
        nested = next(
            (one for one in rule if isinstance(one, dict | list) and type(one) is type(value)), None
        )
        if nested is not None:
            return _problem(value, nested, at)
        fits = any(_problem(value, one, at) is None for one in rule)
    elif isinstance(rule, frozenset):
        fits = isinstance(value, str) and value in rule
    elif isinstance(rule, dict | list):
        if type(value) is (list if isinstance(rule, list) else dict):
            return _within(value, rule, at)
        fits = False
    else:
        fits = value is None if rule is None else type(value) is rule
    if fits:
        return None
    came = "nothing" if value is _MISSING or value is None else repr(value)[:60]
    return f"{at}: wanted {_words(rule)}, got {came}"


def _within(value: Any, rule: Rule, at: str) -> str | None:
    """As `problem`, for what an object or a list holds."""
    if isinstance(rule, list):
        inside = [(one, rule[0], f"{at}.{i}") for i, one in enumerate(value)]
    elif isinstance(rule, Case):
        kind = value.get("kind", _MISSING)
        known = rule.get(kind, {}) if isinstance(kind, str) else {}
        inside = [(kind, frozenset(rule), f"{at}.kind"), (value, dict(known), at)]
    else:
        named = {str(key).rstrip("?"): one for key, one in rule.items() if key is not ...}
        start = f"{at}." if at else ""
        needed = [key for key in rule if key is not ... and not key.endswith("?") and key not in value]
        inside = [(_MISSING, rule[key], start + key) for key in needed]
        inside += [(one, named.get(key, rule.get(..., Any)), start + key) for key, one in value.items()]
    return next((found for one in inside if (found := _problem(*one)) is not None), None)


def _words(rule: Rule) -> str:
    """What a rule wants, in words."""
    if isinstance(rule, tuple):
        kinds = [one for one in rule if one is not int or float not in rule]  # a whole number is a number
        return " or ".join(map(_words, kinds))
    if isinstance(rule, frozenset):
        return " or ".join(sorted(rule))
    return "a list" if isinstance(rule, list) else _WORDS[dict if isinstance(rule, dict) else rule]
