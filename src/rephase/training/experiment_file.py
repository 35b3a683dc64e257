"""Experiments as YAML files: found by name, read safely, changed by key=value, written back whole.

What is wrong in a file is said by the path of its key, with the nearest one that is right.
"""

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

import yaml
from pydantic import TypeAdapter, ValidationError

from rephase.training.experiment import Experiment, ExperimentError

PACKAGED = Path(__file__).parent.parent / "configs"  # in an installed package
CHECKOUT = Path(__file__).parents[3] / "configs"  # in a checkout


class _Loader(yaml.SafeLoader):
    """YAML of plain values, which takes 1e-3 for the number that everybody means by it."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+0123456789.")
)


def experiments() -> dict[str, Path]:
    """The files of all experiments that ship, by name."""
    folder = PACKAGED if PACKAGED.is_dir() else CHECKOUT
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def find_experiment(name: str) -> Path:
    """The file of an experiment.

    Args:
        name: of one that ships, or the path of a file.

    Raises:
        ExperimentError: If there is none.
    """
    path = Path(name)
    if path.suffix in (".yaml", ".yml") and path.is_file():
        return path
    known = experiments()
    if path.stem in known and path.suffix in ("", ".yaml"):
        return known[path.stem]
    near = difflib.get_close_matches(path.stem, known, n=1)
    advice = f"did you mean {near[0]}?" if near else "rephase train --list names those that ship"
    raise ExperimentError(f"there is no such experiment; {name}; {advice}")


def read_experiment(path: Path, changes: Iterable[str] = ()) -> Experiment:
    """The experiment of a file.

    Args:
        path: of the YAML file.
        changes: `key=value` with the dotted path of a key, such as `budget.minutes=30`; the value is YAML.

    Raises:
        ExperimentError: If the file can't be read or is no YAML, a key is unknown, or a value is wrong.
    """
    try:
        values = yaml.load(path.read_text(), _Loader)
    except OSError as error:
        raise ExperimentError(f"can't read the experiment ({error.strerror}); {path}; name another file") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ExperimentError(f"the experiment is no YAML ({reason}); {path}; correct it") from error
    if not isinstance(values, dict):
        raise ExperimentError(
            f"an experiment must be a table of keys; {path} holds {values!r}; begin with `task: denoise`"
        )
    for change in changes:
        _change(values, change)
    return experiment_from(values, str(path))


def experiment_from(values: Mapping[str, Any], where: str) -> Experiment:
    """The experiment of plain values, as YAML and JSON hold them.

    Args:
        values: nested tables.
        where: they come from, for messages.

    Raises:
        ExperimentError: If a key is unknown, or a value is wrong.
    """
    try:
        experiment = TypeAdapter(Experiment).validate_json(json.dumps(values))
    except (ValidationError, TypeError) as error:
        raise ExperimentError(f"{_first_fault(error)}; {where}") from error
    experiment.network_config()
    return experiment


def write_experiment(experiment: Experiment, target: Path) -> None:
    """Writes an experiment with all its values, so that it can be read and run again."""
    part = target.with_suffix(".part")
    part.write_text(yaml.safe_dump(plain(experiment), sort_keys=False, allow_unicode=True, width=120))
    part.replace(target)


def plain(values: Any) -> dict[str, Any]:
    """A dataclass as JSON, YAML and checkpoints can hold it."""
    return dict(json.loads(json.dumps(asdict(values))))


def _change(values: dict[str, Any], change: str) -> None:
    """Sets one key by its dotted path."""
    key, equals, text = change.partition("=")
    if not equals or not key:
        raise ExperimentError(f"a change must be key=value; got {change!r}. Try budget.minutes=30.")
    try:
        value = yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        raise ExperimentError(f"{key}: the value {text!r} is no YAML; quote it, or correct it") from error
    *sections, name = key.split(".")
    table = values
    for section in sections:
        inner = table.get(section)
        if section == "network" and isinstance(inner, str):
            inner = {"preset": inner}
        table[section] = dict(inner) if isinstance(inner, dict) else {}
        table = table[section]
    table[name] = value


def _first_fault(error: Exception) -> str:
    """What is wrong first, by the path of the key."""
    if not isinstance(error, ValidationError):
        return str(error)
    fault = error.errors()[0]
    place = [part for part in fault["loc"] if isinstance(part, str)]
    path = ".".join(str(part) for part in fault["loc"])
    if fault["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        *sections, key = place
        known = _keys(sections)
        near = difflib.get_close_matches(key, known, n=1)
        advice = f"did you mean {'.'.join([*sections, near[0]])}?" if near else f"known are {', '.join(known)}"
        return f"unknown key {path}: {advice}"
    cause = fault.get("ctx", {}).get("error")
    if isinstance(cause, ValueError):  # a check of our own, which names the key itself
        return str(cause)
    return f"{path}: {fault['msg'].lower()}; got {fault['input']!r}"


def _keys(sections: list[str]) -> list[str]:
    """The keys that a section knows."""
    kind: Any = Experiment
    for section in sections:
        kind = get_type_hints(kind).get(section)
        if not is_dataclass(kind):
            return []
    return [field.name for field in fields(kind)]
