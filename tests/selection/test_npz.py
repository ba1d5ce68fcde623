import json

import numpy as np
import pytest

from lessonplan.errors import StateError
from lessonplan.selection.npz import state_from_npz, state_to_npz


def test_a_state_comes_back_as_it_was():
    state = {
        "kind": "Own",
        "rates": np.array([0.5, np.nan]),
        "parts": [{"kind": "Part", "last": np.zeros((3, 2), np.float32)}, 7, None, "text"],
        "count": np.int64(3),
    }
    back = state_from_npz(state_to_npz(state))
    np.testing.assert_array_equal(back.pop("rates"), state["rates"])
    last = back["parts"][0].pop("last")
    assert last.dtype == np.float32 and last.shape == (3, 2)
    assert back == {"kind": "Own", "parts": [{"kind": "Part"}, 7, None, "text"], "count": 3}


@pytest.mark.parametrize(
    "state", [{"a": np.array(["text"])}, {"a": {1, 2}}, {"a": float("nan")}], ids=repr
)
def test_what_cannot_be_saved_is_refused(state):
    with pytest.raises(StateError, match="cannot be saved"):
        state_to_npz(state)


def test_damaged_archives_are_refused():
    whole = state_to_npz({"kind": "Own", "rates": np.arange(50.0)})
    for content in (b"", b"no archive", whole[: len(whole) // 2], whole[100:]):
        with pytest.raises(StateError, match="not a saved state"):
            state_from_npz(content)
    for offset in range(0, len(whole), 7):  # any damage is refused or harmless
        damaged = whole[:offset] + bytes([whole[offset] ^ 255]) + whole[offset + 1 :]
        try:
            assert "kind" in state_from_npz(damaged)
        except StateError:
            pass


def test_pickles_are_not_opened(tmp_path):
    np.savez(
        tmp_path / "bad.npz",
        state=np.frombuffer(json.dumps({"a": {"array": "x"}}).encode(), np.uint8),
        x=np.array([{}]),
    )
    with pytest.raises(StateError, match="not a saved state"):
        state_from_npz((tmp_path / "bad.npz").read_bytes())
