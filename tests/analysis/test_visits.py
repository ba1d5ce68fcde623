"""Every try of every problem, in order, with the try before it."""

import numpy as np

from lessonplan.analysis.visits import visits

RUNS = {
    ("uniform", "s0"): [
        ("a", 1, [1, 1]),
        ("b", 3, [0, None]),
        ("a", 1, []),  # discarded: no rollout to count
        ("a", 1, [1, 0]),
        ("b", 3, [None, None]),  # told, but nothing could be scored
    ],
    ("other", "s1"): [("b", 3, [0, 1]), ("c", 2, [1, 1])],
}


def test_visits_by_hand(tmp_path, tools):
    table = visits(tools.visit_study(tmp_path, RUNS), "counting")
    assert table.samplers == ("uniform", "other") and len(table) == 5
    own = table.of("uniform")
    assert [own.ids[p] for p in own.problem] == ["a", "b", "a"]
    np.testing.assert_allclose(own.rate, [1, 0, 0.5])
    assert own.scored.tolist() == [2, 1, 2] and own.part.tolist() == [0, 2, 6]
    assert own.before().tolist() == [-1, -1, 0]
    assert table.before().tolist().count(-1) == 4  # b of another run is another try
    assert dict(zip(table.ids, table.level.tolist(), strict=True)) == {"a": 1, "b": 3, "c": 2}
    assert [table.starts[r] for r in table.of("other").run] == ["s1", "s1"]


def test_only_the_largest_common_size(study_folder):
    from lessonplan.analysis import read_study

    study = read_study(study_folder)
    assert len(visits(study, "counting")) == 18 * 20
    assert len(visits(study, "counting", common=True)) == 6 * 20
