"""The keys under `data.lessonplan`: defaults, names, gates, and what is said about wrong ones."""

import pytest

from lessonplan.curricula import Band, Variance, ZeroVariance
from lessonplan.errors import ConfigError
from lessonplan.generators import Pool, Problem
from lessonplan.selection import Learnability
from lessonplan.training.verl_settings import VerlSettings, make_curriculum, parse_settings

POOL = Pool([Problem(id=str(i), prompt=f"{i}?", answer=str(i)) for i in range(4)])


def curriculum(**table):
    return make_curriculum(parse_settings(table), POOL, steps=9, run={"kind": "rl", "study": None})


def test_nothing_said_is_learnability_without_gates_or_journal():
    made = curriculum()
    assert type(made.sampler) is Learnability
    assert (made.gates, made.journal) == ((), None)
    basic = {"family": "custom", "n": 4, "sampler": "Learnability", "seed": 0}
    assert made.run == {**basic, "kind": "rl"}  # what is not known is left out
    assert parse_settings({}) == VerlSettings()


def test_sampler_arguments_and_the_length_of_the_run_arrive():
    assert curriculum(sampler="Learnability", args={"floor": 0.2}).sampler.floor == 0.2
    assert curriculum(sampler="lessonplan.selection:Uniform", seed=3).run["seed"] == 3


def test_gates_are_made_in_order():
    gates = [{"gate": "ZeroVariance"}, {"gate": "Band", "lo": 0.1, "hi": 0.9}]
    assert curriculum(gates=gates).gates == (ZeroVariance(), Band(0.1, 0.9))
    assert curriculum(gates=[{"gate": "lessonplan.curricula:Variance"}]).gates == (Variance(),)


def test_solved_is_the_reward_that_counts():
    success = curriculum(solved=0.5).success
    assert success.threshold == 0.5


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            {"sampelr": "Uniform"},
            'unknown key "sampelr" in \\[data.lessonplan\\]; nearest: "sampler"',
        ),
        ({"sampler": "Learnabilty"}, "nearest: Learnability"),
        ({"args": {"flor": 0.1}}, 'has no argument "flor"; nearest: floor'),
        ({"seed": "one"}, "data.lessonplan: Expected `int`"),
        ({"gates": [{"lo": 0.1}]}, 'a mapping with the key "gate"'),
        ({"gates": [{"gate": "Bnd"}]}, 'no gate "Bnd"; nearest: Band'),
        ({"gates": [{"gate": "Band", "lo": 2}]}, "gate Band: a band needs"),
        ({"gates": [{"gate": "Band", "low": 0.1}]}, "gate Band: .*low"),
        ({"gates": [{"gate": "lessonplan.curricula:Nothing"}]}, "cannot import gate"),
        ({"gates": [{"gate": "lessonplan.curricula:Journal"}]}, "is no gate"),
    ],
)
def test_a_wrong_setting_is_named(table, message):
    with pytest.raises(ConfigError, match=message):
        curriculum(**table)
