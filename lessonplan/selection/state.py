"""What a sampler remembers: saved as plain values and arrays, moved to another pool by id."""

import base64
from collections.abc import Hashable, Sequence
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lessonplan.errors import StateError

State: TypeAlias = dict[str, object]  # plain JSON types and numpy arrays, nothing else

_ARRAY_KEYS = {"dtype", "shape", "base64"}


class Stateful:
    """Saves and loads the attributes that a class names; samplers and their parts inherit it.

    Numbers, texts, arrays, random generators and parts (themselves `Stateful`, or tuples of them)
    are understood. An object whose constructor has just run holds its priors, which is where
    `remap` takes the values of new problems from.
    """

    arrays: ClassVar[tuple[str, ...]] = ()  # attributes with one row per problem, (N, ...)
    positions: ClassVar[tuple[str, ...]] = ()  # attributes that list positions, any length
    values: ClassVar[tuple[str, ...]] = ()  # everything else that must survive a restart

    def state_dict(self) -> State:
        """A copy of all that is remembered; the configuration is not part of it."""
        state: State = {"kind": type(self).__name__}
        for name in self._names():
            state[name] = _saved(getattr(self, name))
        return state

    def load_state_dict(self, state: State) -> None:
        """Continue from `state`. Raises StateError, with nothing loaded, if it does not fit."""
        self._check(state)
        for name in self._names():
            setattr(self, name, _loaded(getattr(self, name), state[name]))
        self._restored()

    def remap(self, state: State, old_positions: NDArray[np.int64]) -> State:
        """The same state for this object's pool, when it was saved with other problems.

        `old_positions` (N,) gives where each problem of this pool stood in the old one, -1 if it
        is new (see `old_positions`). New problems get their priors, gone ones are left out. Call
        it on a freshly built object, then load the result.
        """
        moved = dict(state)
        self._check_names(state)
        known = old_positions >= 0  # (N,)
        for name in self.arrays:
            rows = np.array(getattr(self, name))  # (N, ...) priors
            old = _array(state[name], name)
            if len(rows) != len(old_positions) or np.any(old_positions >= len(old)):
                raise StateError(
                    f"{name} has {len(old)} rows, which do not match the old problem ids"
                )
            if rows.shape[1:] != old.shape[1:]:
                raise StateError(
                    f"{name} has rows of shape {old.shape[1:]}, expected {rows.shape[1:]}"
                )
            rows[known] = old[old_positions[known]]
            moved[name] = rows
        for name in self.positions:
            old = _array(state[name], name)
            new_position = np.full(max(old.max(initial=-1), old_positions.max()) + 1, -1)
            new_position[old_positions[known]] = np.flatnonzero(known)
            found = new_position[old]
            moved[name] = found[found >= 0]
        for name in set(self._names()) - {*self.arrays, *self.positions}:
            moved[name] = _remapped(getattr(self, name), state[name], old_positions)
        return moved

    def _names(self) -> tuple[str, ...]:
        return (*self.arrays, *self.positions, *self.values)

    def _restored(self) -> None:
        """Rebuild what follows from the loaded state; parts with derived fields override it."""

    def _check_names(self, state: State) -> None:
        if not isinstance(state, dict) or "kind" not in state:
            raise StateError(f"not a state of {type(self).__name__}: it has no kind")
        if state["kind"] != type(self).__name__:
            raise StateError(
                f"state belongs to {state['kind']}, this is {type(self).__name__};"
                " nothing was loaded"
            )
        expected, given = {"kind", *self._names()}, set(state)
        if expected != given:
            raise StateError(
                f"state of {type(self).__name__} lacks {sorted(expected - given)} and has unknown"
                f" {sorted(given - expected)}; nothing was loaded"
            )

    def _check(self, state: State) -> None:
        self._check_names(state)
        for name in self._names():
            mine, given = getattr(self, name), state[name]
            where = f"{type(self).__name__}.{name}"
            if name in self.positions:
                _check_like(mine, given, where, any_length=True)
            else:
                _check_like(mine, given, where)


def old_positions(old_ids: Sequence[Hashable], new_ids: Sequence[Hashable]) -> NDArray[np.int64]:
    """(N,) where each of `new_ids` stood among `old_ids`, -1 where it is new."""
    where = {problem_id: position for position, problem_id in enumerate(old_ids)}
    return np.fromiter(
        (where.get(problem_id, -1) for problem_id in new_ids), np.int64, len(new_ids)
    )


def state_to_json(state: State) -> dict[str, object]:
    """The same state in JSON types alone: an array becomes its dtype, shape and base64 bytes."""
    return {name: _to_json(value, name) for name, value in state.items()}


def state_from_json(document: dict[str, object]) -> State:
    """The inverse of `state_to_json`; raises StateError on an array that is not one."""
    return {name: _from_json(value, name) for name, value in document.items()}


def _saved(value: object) -> object:
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, np.random.Generator):
        return _generator_state(value)
    if isinstance(value, Stateful):
        return value.state_dict()
    if isinstance(value, tuple):
        return [_saved(each) for each in value]
    if isinstance(value, str | int | float):
        return value
    raise TypeError(f"a state cannot hold {type(value).__name__}")


def _loaded(mine: object, given: object) -> object:
    if isinstance(mine, np.ndarray):
        return _array(given, "array").astype(mine.dtype)
    if isinstance(mine, np.random.Generator):
        assert isinstance(given, dict)
        _set_generator_state(mine, given)
        return mine
    if isinstance(mine, Stateful):
        assert isinstance(given, dict)
        mine.load_state_dict(given)
        return mine
    if isinstance(mine, tuple):
        assert isinstance(given, list)
        return tuple(_loaded(one, value) for one, value in zip(mine, given, strict=True))
    return given


def _remapped(mine: object, given: object, old: NDArray[np.int64]) -> object:
    if isinstance(mine, Stateful) and isinstance(given, dict):
        return mine.remap(given, old)
    if isinstance(mine, tuple) and isinstance(given, list) and len(mine) == len(given):
        return [_remapped(one, value, old) for one, value in zip(mine, given, strict=True)]
    return given


def _check_like(mine: object, given: object, where: str, any_length: bool = False) -> None:
    if isinstance(mine, np.ndarray):
        array = _array(given, where)
        if array.dtype.kind != mine.dtype.kind:
            raise StateError(f"{where} holds {array.dtype}, expected {mine.dtype}")
        shape = (len(array), *mine.shape[1:]) if any_length and array.ndim else mine.shape
        if array.shape != shape:
            raise StateError(
                f"{where} has shape {array.shape}, expected {mine.shape}: if the pool has changed,"
                " remap the state by id first; nothing was loaded"
            )
    elif isinstance(mine, np.random.Generator):
        if not isinstance(given, dict) or given.get("bit_generator") != "PCG64":
            raise StateError(f"{where} is not the state of a PCG64 generator; nothing was loaded")
    elif isinstance(mine, Stateful):
        if not isinstance(given, dict):
            raise StateError(f"{where} is not a state; nothing was loaded")
        mine._check(given)
    elif isinstance(mine, tuple):
        if not isinstance(given, list) or len(given) != len(mine):
            raise StateError(f"{where} does not hold {len(mine)} parts; nothing was loaded")
        for index, (one, value) in enumerate(zip(mine, given, strict=True)):
            _check_like(one, value, f"{where}[{index}]")
    elif type(given) is not type(mine):
        raise StateError(f"{where} is {given!r}, expected {type(mine).__name__}")


def _array(value: object, where: str) -> NDArray[Any]:
    if not isinstance(value, np.ndarray):
        raise StateError(f"{where} is {type(value).__name__}, expected an array")
    return value


def _generator_state(rng: np.random.Generator) -> State:
    state = rng.bit_generator.state
    # 128-bit numbers travel as text: most JSON readers stop at 64 bits
    words = {name: str(number) for name, number in state["state"].items()}
    return {**state, "state": words}


def _set_generator_state(rng: np.random.Generator, state: State) -> None:
    words = state["state"]
    assert isinstance(words, dict)
    numbers = {name: int(word) for name, word in words.items()}
    rng.bit_generator.state = {**state, "state": numbers}


def _to_json(value: object, where: str) -> object:
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "biuf":
            raise StateError(f"{where} is an array of {value.dtype}, which cannot be saved")
        plain = np.ascontiguousarray(value, dtype=value.dtype.newbyteorder("<"))
        text = base64.b64encode(plain.tobytes()).decode("ascii")
        return {"dtype": plain.dtype.str, "shape": list(value.shape), "base64": text}
    if isinstance(value, dict):
        return {name: _to_json(each, f"{where}.{name}") for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_to_json(each, where) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        raise StateError(f"{where} is {value!r}; JSON has no such number, save it as an array")
    if value is None or isinstance(value, str | int | float):
        return value
    raise StateError(f"{where} is {type(value).__name__}, which cannot be saved as JSON")


def _from_json(value: object, where: str) -> object:
    if isinstance(value, dict):
        if set(value) == _ARRAY_KEYS:
            return _decoded(value, where)
        return {name: _from_json(each, f"{where}.{name}") for name, each in value.items()}
    if isinstance(value, list):
        return [_from_json(each, where) for each in value]
    return value


def _decoded(value: dict[str, Any], where: str) -> NDArray[Any]:
    try:
        dtype = np.dtype(value["dtype"])
        raw = base64.b64decode(value["base64"], validate=True)
        if dtype.kind not in "biuf":
            raise ValueError(f"dtype {dtype}")
        return np.frombuffer(raw, dtype).reshape(value["shape"]).copy()
    except (TypeError, ValueError) as error:
        raise StateError(f"{where} is not a saved array: {error}") from error
