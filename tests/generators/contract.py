"""What every generated task promises, as checks of one generator class; its answers apart.

A family's test file runs them over its tasks:

    @pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
    @pytest.mark.parametrize("task", TASKS, ids=lambda task: task.task)
    def test_contract(task, check):
        check(task)

What only the family can know stays there: a second evaluator that reads the prompt, and a reader of
the worked solution's lines.
"""

import json
import re
from collections import Counter
from functools import cache
from itertools import pairwise
from math import sqrt
from typing import get_args

import numpy as np
from scipy.stats import ks_2samp, spearmanr

from lessonplan.generators import generate, guess_rates
from lessonplan.generators.base import TEMPLATES
from lessonplan.generators.verify import canonical
from lessonplan.generators.wrappers import Wrapper, ask

N = 240  # problems a cell
GATE = 0.10  # the commonest answer's share, at most
VALUES = ("int", "rational", "ints", "offset", "pose")  # kinds that a guess can hit


@cache
def drafts(task, level, diversity=0, n=N):
    """The first n training instances of a cell."""
    generator = task(diversity=diversity)
    return [generator.draft(level, "train", index)[0] for index in range(n)]


def works(task, level, diversity=0):
    return np.log2([draft.work for draft in drafts(task, level, diversity)])


def as_number(answer):
    """A number that stands for an answer when two distributions are compared."""
    numbers = re.findall(r"-?[0-9]+", answer)
    return sum(map(int, numbers)) if numbers else len(answer)


def plain_json(value):
    return json.loads(json.dumps(value))


def check_declares_itself(task):
    assert task.task == f"{task.family}.{task.task.partition('.')[2]}" and task.version >= 1
    assert task.levels == tuple(range(task.levels[0], task.levels[0] + len(task.levels)))
    assert len(task.log_work) == len(task.levels) and task.what
    data = drafts(task, task.levels[-1])[0].data
    assert len({template.write(data) for template in task.templates}) == len(task.templates) >= 4
    assert task.__doc__ and task.__module__.startswith(f"lessonplan.generators.{task.family}.")


def check_work_targets_are_linear_and_apart(task):
    slopes = np.diff(task.log_work)
    assert np.allclose(slopes, slopes.mean(), atol=0.01) and slopes.min() > 0
    # Windows of neighbors meet at most; a rounded aim may overlap by as much.
    assert task.tolerance <= slopes.min() / 2 + 0.002


def check_levels_are_ordered_by_work(task):
    for diversity in (task.diversities[0], task.diversities[-1]):
        cells = [works(task, level, diversity) for level in task.levels]
        for aim, cell in zip(task.log_work, cells, strict=True):
            assert np.abs(cell - aim).max() <= task.tolerance + 1e-9
        for low, high in pairwise(cells):
            assert np.quantile(low, 0.9) < np.quantile(high, 0.1)
        levels = np.repeat(task.levels, [len(cell) for cell in cells])
        assert spearmanr(levels, np.concatenate(cells)).statistic >= 0.95


def check_no_answer_is_common(task):
    if task.kind not in VALUES:
        return
    for diversity in (task.diversities[0], task.diversities[-1]):
        for level in task.levels:
            some = drafts(task, level, diversity)
            answer, times = Counter(draft.answer for draft in some).most_common(1)[0]
            # Refuse only what lies above the gate by more than 2.3 standard deviations.
            most = GATE + 2.33 * sqrt(GATE * (1 - GATE) / len(some))
            assert times / len(some) <= most, f"level {level}, d {diversity}: {answer!r}"


def check_answers_are_canonical(task):
    for level in task.levels:
        for draft in drafts(task, level)[:100]:
            assert canonical(draft.answer, task.kind) == draft.answer


def check_every_template_is_read_back(task):
    reader = task()
    for i, template in enumerate(task.templates):
        for level in task.levels:
            for draft in drafts(task, level, task.diversities[-1])[i : i + 3]:
                prompt = f"{template.write(draft.data)}\n{ask('tag', task.what)}"
                # What stands in no slot cannot be read: it must not be needed to answer.
                data = plain_json(draft.data)
                found = reader.read(prompt)
                assert plain_json(found) == {name: data[name] for name in found}, prompt
                assert "{" not in template.write(draft.data)


def check_diversity_widens_the_wordings(task):
    for diversity in task.diversities:
        count = TEMPLATES[diversity] or len(task.templates)
        generator = task(diversity=diversity)
        prompts = [generator.problem(task.levels[0], "train", i).prompt for i in range(120)]
        allowed = task.templates[:count]
        used = {next(i for i, t in enumerate(allowed) if t.read(prompt)) for prompt in prompts}
        assert len(used) >= min(count, 12) * 0.75
    assert len(task.templates) >= TEMPLATES[2]


def check_solutions_are_judged_right(task):
    for wrapper in get_args(Wrapper):
        for style in range(task.styles):
            generator = task(wrapper=wrapper, style=style, diversity=task.diversities[-1])
            for level in task.levels:
                for index in range(4):
                    problem = generator.problem(level, "validation", index)
                    verdict = generator.verify(problem, problem.solution)
                    assert verdict.reason == "right", problem.solution
                    assert generator.trace_ok(problem, problem.solution)
                    assert not generator.verify(problem, "").format_ok
                    assert problem.prompt.endswith(ask(wrapper, task.what))


def check_texts_are_tidy(task):
    generator = task(diversity=task.diversities[-1])
    for level in task.levels:
        for index in range(30):
            problem = generator.problem(level, "train", index)
            for text in (problem.prompt, problem.solution):
                assert text == text.strip() and "  " not in text and text.isascii()
                assert not re.search(r" [,.;:?]|None|\(\)|\[|\]", text), text
                assert all(line.strip() for line in text.split("\n"))


def check_foreign_answers_are_wrong(task):
    generator = task()
    for level in (task.levels[0], task.levels[-1]):
        problems = [generator.problem(level, "test", index) for index in range(15)]
        for one in problems:
            for other in problems:
                if one.answer == other.answer:
                    continue
                verdict = generator.verify(one, other.solution)
                # A witness task may have several right answers.
                assert not verdict.correct or task.kind not in VALUES


def check_levels_share_no_instance(task):
    keys = [{draft.key for draft in drafts(task, level)} for level in task.levels]
    assert sum(map(len, keys)) == len(set().union(*keys))


def check_ids_are_complete(task):
    generator = task(diversity=task.diversities[-1])
    problem = generator.problem(task.levels[-1], "validation", 17, seed=5)
    assert generator.recall(problem.id) == problem
    one = {draft.key for draft in drafts(task, task.levels[-1])[:100]}
    plain = task()
    other = {plain.draft(task.levels[-1], "train", i, seed=1)[0].key for i in range(100)}
    assert not one & other


def check_capacity_holds_a_pool(task):
    generator = task()
    for level in task.levels:
        assert generator.capacity(level, "test") >= 400  # the largest test set of a preset, twice
        keys = {draft.key for draft in drafts(task, level)}
        assert len(keys) >= 0.97 * N  # few repeats, where the bound promises few
    levels = (task.levels[0], task.levels[-1])
    pool = generate(generator, levels, 60, split="test")
    keys = {generator.draft(p.level, "test", int(p.id.rpartition("/")[2]))[0].key for p in pool}
    assert len(keys) == len(pool) == 60


def check_diversity_moves_neither_work_nor_answers(task):
    """KS p > .01 for the task as a whole: the least of its p values times how many there are."""
    levels = sorted({task.levels[0], task.levels[len(task.levels) // 2], task.levels[-1]})
    others = task.diversities[1:]
    tests = 2 * len(levels) * len(others)
    for level in levels:
        base = drafts(task, level, task.diversities[0])
        answers = [as_number(draft.answer) for draft in base]
        for diversity in others:
            some = drafts(task, level, diversity)
            moved = ks_2samp(answers, [as_number(draft.answer) for draft in some]).pvalue
            assert moved * tests > 0.01, f"answers, level {level}, d {diversity}"
            moved = ks_2samp(works(task, level), works(task, level, diversity)).pvalue
            assert moved * tests > 0.01, f"work, level {level}, d {diversity}"


def check_texts_grow_with_the_level(task):
    generator = task()
    lengths = [
        np.mean([len(p.prompt) + len(p.solution) for p in problems])
        for problems in (
            [generator.problem(level, "train", i) for i in range(60)] for level in task.levels
        )
    ]
    # Means of 60 problems; a tenth is their noise.
    assert all(high > 0.9 * low for low, high in pairwise(lengths)), lengths
    assert spearmanr(task.levels, lengths).statistic >= 0.9 and lengths[-1] > 1.3 * lengths[0]


def check_guesses_are_listed(task):
    for level in (task.levels[0], task.levels[-1]):
        assert all(drafts(task, level)[0].guesses().values())
        rates = guess_rates(task(), level, 100)
        assert 0 <= rates.heuristic < 0.65 and rates.procedure


CHECKS = [
    check_declares_itself,
    check_work_targets_are_linear_and_apart,
    check_levels_are_ordered_by_work,
    check_no_answer_is_common,
    check_answers_are_canonical,
    check_every_template_is_read_back,
    check_diversity_widens_the_wordings,
    check_solutions_are_judged_right,
    check_texts_are_tidy,
    check_foreign_answers_are_wrong,
    check_levels_share_no_instance,
    check_ids_are_complete,
    check_capacity_holds_a_pool,
    check_diversity_moves_neither_work_nor_answers,
    check_texts_grow_with_the_level,
    check_guesses_are_listed,
]
