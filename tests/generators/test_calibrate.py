"""Calibration: tasks on one scale of difficulty."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from lessonplan.errors import ConfigError, FormatError
from lessonplan.generators import Problem
from lessonplan.generators.calibrate import Scale, calibrate

TRUTH = {"counting.a": (-4.0, 1.1), "graph.b": (-1.0, 0.6), "spatial.c": (-7.0, 1.9)}
ABILITY = {"small": -1.0, "large": 1.0}


def problem(task: str, work: float, i: int) -> Problem:
    return Problem(f"{task}/{i}", "?", "1", task=task, level=1 + round(work) % 10, work=work)


def log(n: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    rows = [
        (problem(task, float(rng.uniform(2, 8)), i), name)
        for task in TRUTH for i in range(n) for name in ABILITY
    ]  # fmt: skip
    z = np.array([TRUTH[p.task][0] + TRUTH[p.task][1] * p.work for p, _ in rows])
    theta = np.array([ABILITY[name] for _, name in rows])
    solved = rng.binomial(8, 1 / (1 + np.exp(z - theta)))
    return [p for p, _ in rows], solved, np.full(len(rows), 8), [name for _, name in rows]


def test_the_truth_comes_back_from_enough_rollouts():
    problems, solved, rollouts, solvers = log(2000)
    scale = calibrate(problems, solved, rollouts, solvers=solvers)
    for task, (offset, slope) in TRUTH.items():
        assert scale.tasks[task].slope == pytest.approx(slope, abs=0.05)
        assert scale.tasks[task].offset == pytest.approx(offset, abs=0.25)
        assert scale.tasks[task].rollouts == 2000 * 2 * 8
    assert sum(scale.solvers.values()) == pytest.approx(0, abs=1e-9)
    assert scale.solvers["large"] == pytest.approx(1.0, abs=0.05)
    assert scale.rmse < 2 * scale.noise and scale.log_loss < scale.null_log_loss
    line = scale.tasks["graph.b"]
    assert scale.z(problem("graph.b", 5.0, 0)) == pytest.approx(line.offset + 5 * line.slope)


def test_it_is_the_maximum_that_scikit_learn_finds():
    """One task, one solver: plain logistic regression, where the priors weigh nothing."""
    problems, solved, rollouts, solvers = log(4000, seed=1)
    mine = [i for i, p in enumerate(problems) if p.task == "counting.a" and solvers[i] == "large"]
    scale = calibrate([problems[i] for i in mine], solved[mine], rollouts[mine])
    work = np.array([[problems[i].work] for i in mine])
    rows = np.concatenate([work, work])
    told = np.concatenate([np.ones(len(mine)), np.zeros(len(mine))])
    weight = np.concatenate([solved[mine], rollouts[mine] - solved[mine]])
    other = LogisticRegression(C=1e6, tol=1e-8, max_iter=1000).fit(rows, told, sample_weight=weight)
    line = scale.tasks["counting.a"]
    assert line.slope == pytest.approx(-other.coef_[0, 0], rel=2e-3)
    assert line.offset == pytest.approx(-other.intercept_[0], rel=5e-3)


def test_what_was_never_or_always_solved_stays_finite_and_in_order():
    problems = [problem("a", 3.0, 0), problem("b", 3.0, 0), problem("c", 3.0, 0)]
    scale = calibrate(problems, [8, 0, 4], [8, 8, 8])
    z = [scale.z(one) for one in problems]
    assert np.isfinite(z).all() and z[0] < z[2] < z[1]
    assert {line.slope for line in scale.tasks.values()} == {1.0}  # nothing was learned of slopes


def test_a_scale_is_saved_as_json_and_nothing_else_is_loaded(tmp_path):
    problems, solved, rollouts, solvers = log(20)
    scale = calibrate(problems, solved, rollouts, solvers=solvers)
    scale.save(tmp_path / "scale.json")
    assert Scale.load(tmp_path / "scale.json") == scale
    for text in ("", "[]", '{"tasks": {}}', '{"tasks": 3}'):
        (tmp_path / "bad.json").write_text(text)
        with pytest.raises(FormatError, match=r"bad\.json: not a calibration"):
            Scale.load(tmp_path / "bad.json")


def test_rows_that_make_no_sense_are_named():
    one = problem("a", 3.0, 7)
    with pytest.raises(ConfigError, match="got 1, 2, 1, 1"):
        calibrate([one], [1, 2], [8])
    with pytest.raises(ConfigError, match=r"row 0 \(a/7\): 9 of 8 rollouts"):
        calibrate([one], [9], [8])
    with pytest.raises(ConfigError, match=r"row 0 \(a/7\): nan of 8 rollouts"):
        calibrate([one], [np.nan], [8])
    with pytest.raises(ConfigError, match="has no work"):
        calibrate([Problem("p", "?", "1")], [1], [8])
    with pytest.raises(ConfigError, match="b was not calibrated; calibrated: a"):
        calibrate([one], [1], [8]).z(problem("b", 3.0, 0))
