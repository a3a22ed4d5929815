"""Reading settings from variables, and saying clearly what is wrong with them."""

import json
import os
import types
import typing
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar, Union

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import PydanticBaseSettingsSource

from config._variables import PREFIX, TOOLING, Variable, read_variables, suggestion
from config.errors import SettingsError
from config.settings import ServiceSettings

S = TypeVar("S", bound=ServiceSettings)

_SHOWN_CHARACTERS = 80
_SECRET_WORDS = ("password", "secret", "token", "key", "credential")
_FORMS: dict[object, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    Path: "a path",
}


def load(
    settings_class: type[S],
    *,
    environment: Mapping[str, str] | None = None,
    env_file: Path | None = Path(".env"),
) -> S:
    """Build the settings of one service from its variables.

    Args:
        settings_class: the service's settings; its ``service_name`` decides the prefix of its own fields.
        environment: the variables of the process; the real environment by default.
        env_file: a file of further variables, used where the environment says nothing; may be missing.

    Raises:
        SettingsError: naming every unknown or wrong variable, its value unless it is secret, and the accepted form.

    Example:
        >>> load(ServiceSettings, environment={"PURSER_PORT": "8001"}, env_file=None).port
        8001
    """
    variables = read_variables(os.environ if environment is None else environment, env_file)
    names = variable_names(settings_class)
    problems = _unknown(settings_class, variables, names)
    source = _VariablesSource(settings_class, {field: variables.get(name) for field, name in names.items()})
    problems += source.problems
    try:
        settings = settings_class(_build_sources=((source,), {}))
    except ValidationError as error:
        problems += [
            _explain(settings_class, detail, names, variables)
            for detail in error.errors()
            # Only says that a default was not worked out because another field is wrong.
            if detail["type"] != "default_factory_not_called"
        ]
    if problems:
        raise SettingsError(problems)
    return settings


def variable_names(settings_class: type[ServiceSettings]) -> dict[str, str]:
    """Return the variable of every field, by field name."""
    own_prefix = f"{PREFIX}{settings_class.service_name.upper()}__"
    shared = ServiceSettings.model_fields
    return {field: (PREFIX if field in shared else own_prefix) + field.upper() for field in settings_class.model_fields}


class _VariablesSource(PydanticBaseSettingsSource):
    """Gives pydantic-settings the texts of the variables, with lists and mappings already taken apart."""

    def __init__(self, settings_class: type[ServiceSettings], variables: Mapping[str, Variable | None]) -> None:
        super().__init__(settings_class)
        self.problems: list[str] = []
        self._values: dict[str, object] = {}
        for field, variable in variables.items():
            if variable is None:
                continue
            info = settings_class.model_fields[field]
            try:
                self._values[field] = _parse(variable.text, info.annotation)
            except ValueError as error:
                self.problems.append(f"{_shown(variable, field, info)} {error}. Accepted: {_accepted(info)}.")

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return self._values.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        return dict(self._values)


def _parse(text: str, annotation: object) -> object:
    """Take a text apart where its field holds several values: JSON, or `a,b` for lists and `a=1,b=2` for mappings."""
    kind = _container(annotation)
    if kind is None:
        return text
    if text.lstrip().startswith(("[", "{")):
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"is broken JSON at character {error.pos + 1}: {error.msg}") from None
    items = [item.strip() for item in text.split(",") if item.strip()]
    if kind is not dict:
        return items
    pairs = [item.partition("=") for item in items]
    if broken := [item for item, (_, equals, _) in zip(items, pairs, strict=True) if not equals]:
        raise ValueError(f'has no "=" in "{broken[0]}"')
    return {key.strip(): value.strip() for key, _, value in pairs}


def _container(annotation: object) -> type | None:
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _container(typing.get_args(annotation)[0])
    if origin in {Union, types.UnionType}:
        kinds = [_container(argument) for argument in typing.get_args(annotation)]
        return next((kind for kind in kinds if kind), None)
    bare = origin or annotation
    if isinstance(bare, type) and issubclass(bare, Mapping):
        return dict
    return list if bare in {list, tuple, set, frozenset} else None


def _unknown(
    settings_class: type[ServiceSettings], variables: Mapping[str, Variable], names: Mapping[str, str]
) -> list[str]:
    known = set(names.values()) | TOOLING
    own_service = settings_class.service_name.upper()
    problems = []
    for name, variable in sorted(variables.items()):
        if name in known:
            continue
        service, separator, _ = name.removeprefix(PREFIX).partition("__")
        # Every service of one deployment may read the same environment, so a neighbour's variables are no error.
        if separator and service != own_service:
            continue
        problems.append(f"{name} (from {variable.place}) is not a setting: {suggestion(name, known)}")
    return problems


def _explain(
    settings_class: type[ServiceSettings],
    detail: ErrorDetails,
    names: Mapping[str, str],
    variables: Mapping[str, Variable],
) -> str:
    message = detail["msg"].removeprefix("Value error, ")
    if not detail["loc"]:
        return message
    field = str(detail["loc"][0])
    info = settings_class.model_fields[field]
    inside = ".".join(str(part) for part in detail["loc"][1:])
    reason = f"{message} (at {inside})" if inside else message
    variable = variables.get(names[field])
    if variable is None:
        return f"{names[field]} is missing. Accepted: {_accepted(info)}."
    return f"{_shown(variable, field, info)} is wrong: {reason}. Accepted: {_accepted(info)}."


def _shown(variable: Variable, field: str, info: FieldInfo) -> str:
    if _is_secret(field, info):
        return f"{variable.name} (hidden, from {variable.place})"
    text = variable.text if len(variable.text) <= _SHOWN_CHARACTERS else variable.text[:_SHOWN_CHARACTERS] + "…"
    return f'{variable.name}="{text}" (from {variable.place})'


def _is_secret(field: str, info: FieldInfo) -> bool:
    if not info.repr or SecretStr in {info.annotation, *typing.get_args(info.annotation)}:
        return True
    return info.annotation in {str, str | None} and any(word in field for word in _SECRET_WORDS)


def _accepted(info: FieldInfo) -> str:
    return info.description or _form(info.annotation)


def _form(annotation: object) -> str:
    arguments = [argument for argument in typing.get_args(annotation) if argument is not types.NoneType]
    if typing.get_origin(annotation) is typing.Literal:
        return "one of " + ", ".join(str(argument) for argument in arguments)
    kind = _container(annotation)
    if kind is not None:
        return (
            "name=value pairs separated by commas, or JSON" if kind is dict else "values separated by commas, or JSON"
        )
    if typing.get_origin(annotation) in {Union, types.UnionType}:
        return " or ".join(_form(argument) for argument in arguments)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return "one of " + ", ".join(str(member.value) for member in annotation)
    return _FORMS.get(annotation, getattr(annotation, "__name__", str(annotation)))
