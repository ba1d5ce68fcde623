"""Gates by name."""

import numpy as np
import pytest

from lessonplan.curricula import Band, ZeroVariance
from lessonplan.curricula.named_gates import gate_classes, make_gate, resolve_gate
from lessonplan.errors import ConfigError
from lessonplan.selection.success import SOLVED


def test_every_exported_gate_is_found():
    assert {"Band", "Variance", "ZeroVariance"} <= set(gate_classes())
    assert "Gate" not in gate_classes() and "Uniform" not in gate_classes()


def test_a_gate_is_made_with_its_arguments():
    assert make_gate("Band", {"lo": 0.1, "hi": 0.9}) == Band(lo=0.1, hi=0.9)
    assert make_gate("ZeroVariance", {}) == ZeroVariance()


def test_a_users_own_gate_is_imported(tmp_path, monkeypatch):
    (tmp_path / "my_gates.py").write_text(
        "import numpy as np\n\n\nclass All:\n    def accepts(self, rewards, success):\n"
        "        return np.nanmin(success(rewards), axis=1) == 1\n\n\nclass None_:\n    pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    gate = make_gate("my_gates:All", {})
    assert gate.accepts(np.array([[1.0, 1.0], [1.0, 0.0]]), SOLVED).tolist() == [True, False]
    with pytest.raises(ConfigError, match='"my_gates:None_" is no gate'):
        resolve_gate("my_gates:None_")
    with pytest.raises(ConfigError, match='cannot import gate "my_gates:Al"'):
        resolve_gate("my_gates:Al")
    with pytest.raises(ConfigError, match='my_gates:All has no argument "lo"'):
        make_gate("my_gates:All", {"lo": 1})


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("Bnd", {}, 'no gate "Bnd"; nearest: Band'),
        ("Band", {"low": 0.1}, 'Band has no argument "low"; nearest: lo. All: lo, hi, inclusive'),
        ("Band", {"lo": 2.0}, "gate Band: a band needs 0 <= lo <= hi <= 1"),
    ],
)
def test_what_cannot_be_made(name, args, message):
    with pytest.raises(ConfigError, match=message):
        make_gate(name, args)
