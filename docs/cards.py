"""Rewrite what the cards in docs/samplers do not say by hand: defaults, costs, pictures, golden.md.

    python docs/cards.py                    # all of it, about ten minutes
    python docs/cards.py --only MoPPS PLR   # these cards

Simulated numbers depend neither on the machine nor on the samplers that run along; costs do.
"""

import argparse
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import comb
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lessonplan import curricula, selection
from lessonplan.analysis.figures import COLORS, Picture, new_figure, plain, tidy
from lessonplan.analysis.sampling_figures import level_colors
from lessonplan.curricula import AdaptiveDifficulty, sampler_classes
from lessonplan.generators import Pool
from lessonplan.selection import SOLVED, BetaDecay, Sampler, Uniform
from lessonplan.selection.scores import learnability
from lessonplan.selection.testing import Numbered
from lessonplan.training.paired import Ratio, ratios
from lessonplan.training.scenario import SHIPPED, Entrant, load_scenario
from lessonplan.training.simulate import Make, Simulation, simulate

DOCS = Path(__file__).parent
CARDS = DOCS / "samplers"
GATES = ("Band", "Variance", "ZeroVariance")
WRAPPERS = ("Cooldown", "MaxReuse", "Mixture", "Retest", "Review", "StalenessMix", "Warmup")
PARTS_OF_RUN = ("first quarter", "second", "third", "last quarter")
MIDDLE = slice(2, 8)  # true success of 20 to 80 %, in tenths
# A pool of 240 problems is smaller than what the default is made for.
SMALLER: Mapping[str, Mapping[str, object]] = {"SFL": {"keep": 60, "every": 10}}
WRAPPED: Mapping[str, Mapping[str, object]] = {"Warmup": {"steps": 100}}


# What has a card


def carded() -> dict[str, Callable[..., Any]]:
    """Everything that has a card, by name."""
    others = {name: getattr(selection, name) for name in ("Parts", "pods", *WRAPPERS)}
    gates = {name: getattr(curricula, name) for name in GATES}
    return dict(sorted({**sampler_classes(), **others, **gates}.items()))


def defaults(name: str) -> str:
    """The call with every argument and its default."""
    found = carded()[name]
    given: list[str] = []
    named = False
    for key, one in inspect.signature(found).parameters.items():
        if one.kind is one.KEYWORD_ONLY and not named:
            given, named = [*given, "*"], True
        given.append(key if one.default is one.empty else f"{key}={shown(one.default)}")
    call = textwrap.wrap(f"{name}({', '.join(given)})", 98, subsequent_indent="    ")
    room = "selection" if name in selection.__all__ else "curricula"
    line = f"from lessonplan.{room} import {name}"
    return "\n".join(["```python", line, "", *call, "```"])


def shown(value: object) -> str:
    """A default as one would type it."""
    if value is SOLVED:
        return "SOLVED"
    if inspect.isfunction(value):
        return value.__name__
    return f'"{value}"' if isinstance(value, str) else repr(value)


def section(card: str, title: str) -> str:
    """The text below a heading of a card; empty if it has no such heading."""
    found = re.search(rf"^## {title}\n\n(.*?)\n*(?=^## |\Z)", card, re.DOTALL | re.MULTILINE)
    return found[1] if found else ""


def with_section(card: str, title: str, text: str) -> str:
    """The card with another text below that heading, which comes last if it is new."""
    block = f"## {title}\n\n{text}\n"
    pattern = rf"^## {title}\n\n.*?(?=^## |\Z)"
    if re.search(pattern, card, re.DOTALL | re.MULTILINE):
        block = re.sub(pattern, lambda _: block + "\n", card, flags=re.DOTALL | re.MULTILINE)
        return block.rstrip("\n") + "\n"
    return f"{card.rstrip()}\n\n{block}"


# golden.md


def golden_rows(name: str) -> list[tuple[str, str, str]]:
    """What a card says was checked: (what, against, test)."""
    text = section((CARDS / f"{name}.md").read_text(encoding="utf-8"), "Golden numbers")
    rows = re.findall(r"^\| (.+?) \| (.+?) \| `(.+?)` \|$", text, re.MULTILINE)
    return [(what, against, test) for what, against, test in rows]


def golden_page() -> str:
    """All golden numbers by preset, whether they are the paper's or the released code's."""
    lines = [
        "# Golden numbers",
        "",
        "What each method was tested against, gathered from the cards by `docs/cards.py`.",
        "",
        "* **paper**: worked out from the published formula, or printed in the paper;",
        "* **released**: printed by the released code, or its rule where that differs from the paper;",
        "* **ours**: worked out by hand from a formula that is ours, or from our reading of one.",
        "",
        "The numbers hold with the floor at 0 and without wrappers.",
        "",
        "| preset | what | paper | released | ours | test |",
        "|---|---|---|---|---|---|",
    ]
    for name in carded():
        for what, against, test in golden_rows(name):
            marks = [
                "x" if kind in against.split(", ") else "" for kind in ("paper", "released", "ours")
            ]
            card = f"[{name}](samplers/{name}.md)"
            lines.append(f"| {card} | {what} | {' | '.join(marks)} | `{test}` |")
    return "\n".join(lines) + "\n"


# Costs


def cost(name: str) -> str:
    """A sentence on time and memory at a million problems, measured now."""
    from samplers import ASKED, GROUP, beforehand, median_ms, state_bytes, step_ms

    size = 10**6
    found = carded()[name]
    if name == "pods":
        rewards = np.random.default_rng(0).random(64)
        spent = 1e3 * median_ms(lambda: found(rewards, 16), 99)
        return f"{spent:.0f} microseconds for 16 of 64 rollouts, and no state (measured)."
    if name in GATES:
        rewards = np.random.default_rng(0).integers(2, size=(ASKED, GROUP)).astype(np.float64)
        gate = found()
        spent = median_ms(lambda: gate.accepts(rewards, SOLVED), 99)
        return f"{spent:.2f} ms for {ASKED} groups of {GROUP}, and no state (measured)."
    pool = Pool(Numbered(size))
    if name in WRAPPERS:
        sampler = wrapped(name, Uniform)(pool, 0)
        around = f" around {'two of ' if name == 'Mixture' else ''}`Uniform`"
    elif name == "Parts":
        sampler, around = in_parts(pool, 0), " with the parts of `Learnability`"
    else:
        arguments = inspect.signature(found).parameters
        given = {key: one for key, one in beforehand(size).items() if key in arguments}
        sampler, around = found(pool, **given), ""
    spent = min(step_ms(sampler, 9) for _ in range(3))
    held = state_bytes(sampler.state_dict()) / size
    return (
        f"A step at a million problems, ask({ASKED}) and tell of {ASKED} groups of {GROUP}, takes "
        f"{spent:.1f} ms on one core;\na saved state holds {held:.0f} bytes a problem{around} "
        "(measured: median of nine steps, best of three)."
    )


def wrapped(name: str, child: Callable[..., Sampler]) -> Callable[[Pool, int], Sampler]:
    """The wrapper around one child; for `Mixture` around `Uniform` and the child."""
    wrapper = carded()[name]

    def make(pool: Pool, seed: int) -> Sampler:
        inner: object = child(pool, seed=seed)
        if name == "Mixture":
            inner = [Uniform(pool, seed=seed), inner]
        made: Sampler = wrapper(inner, seed=seed, **WRAPPED.get(name, {}))
        return made

    return make


def in_parts(pool: Pool, seed: int) -> Sampler:
    return selection.Parts(pool, estimate=BetaDecay(len(pool)), score=learnability, seed=seed)


# Simulations


def simulated(names: Sequence[str]) -> dict[str, str]:
    """The section on what each sampler does to simulated learners; draws its picture."""
    unlike = ("Knapsack", "SPEED")  # groups of unequal size are not simulated
    pooled = [name for name in names if name in sampler_classes() and name not in unlike]
    entrants: dict[str, Make] = {}
    for name in names:
        if name in WRAPPERS:
            make = wrapped(name, AdaptiveDifficulty)
            entrants[name] = lambda world, seed, make=make: make(world.pool, seed)  # type: ignore[misc]
        elif name == "Parts":
            entrants[name] = lambda world, seed: in_parts(world.pool, seed)
    if not pooled and not entrants:
        return {}
    arms = {name: Entrant(name, args) for name, args in SMALLER.items()}
    found: dict[str, list[str]] = {}
    for scenario_name in SHIPPED:
        scenario = load_scenario(scenario_name)
        scenario = replace(scenario, samplers=tuple(pooled) or ("Uniform",), arms=arms)
        done = simulate(scenario, entrants=entrants)
        against = {one.a: one for one in ratios(done)}
        for a, name in enumerate(done.samplers):
            if name not in names:
                continue
            if scenario_name == "demo":
                picture = drawn(done, a)
                save(name, picture)
                found[name] = [f"![{picture.alt}](figures/{name}.svg)", "", picture.caption]
                given = {**SMALLER, **WRAPPED}.get(name, {})
                if given:
                    typed = ", ".join(f"{key}={value}" for key, value in given.items())
                    found[name].append(f"Arguments here: `{typed}`.")
                found[name].append("")
                found[name] += [*HEADER]
            found[name].append(row(done, a, against.get(name)))
        print(f"simulated {scenario_name}: {done.seconds:.0f} s", flush=True)
    return {name: "\n".join(lines) for name, lines in found.items()}


HEADER = (
    "| scenario | mixed groups | with `Uniform` | points above `Uniform` at the end |",
    "|---|---|---|---|",
)


def save(name: str, picture: Picture) -> None:
    """The picture with its text as text, which halves the file."""
    from matplotlib import rc_context

    with rc_context({"svg.fonttype": "none", "font.sans-serif": ["DejaVu Sans", "Verdana"]}):
        (CARDS / "figures" / f"{name}.svg").write_bytes(picture.svg)


def row(done: Simulation, a: int, against: Ratio | None) -> str:
    mixed = done.outcomes.sum(axis=(1, 2))  # (A, 4)
    shares = [f"{100 * one[0] / one.sum():.0f} %" for one in mixed]
    gain = "-"
    if against is not None:
        low, high = 100 * against.difference_low, 100 * against.difference_high
        gain = f"{100 * against.difference:+.1f} ({low:+.1f} to {high:+.1f})"
    return f"| `{done.scenario.name}` | {shares[a]} | {shares[0]} | {gain} |"


def drawn(done: Simulation, a: int) -> Picture:
    """Left: picks by true success, a line a quarter. Right: which levels, over the run."""
    name = done.samplers[a]
    quarters = len(PARTS_OF_RUN)

    def by_quarter(counts: NDArray[np.int64]) -> NDArray[np.float64]:  # (W, P, 10) -> (4, 10)
        total = counts.sum(axis=0).reshape(quarters, -1, counts.shape[-1]).sum(axis=1)
        return np.asarray(total / total.sum(axis=1, keepdims=True))

    picked, there = by_quarter(done.picked[a]), by_quarter(done.pool[a])
    often = picked[:, MIDDLE].sum(axis=1).mean() / there[:, MIDDLE].sum(axis=1).mean()
    title = (
        f"Simulated: {name} picks problems of success 20-80 % {often:.1f} times as often as they "
        "occur"
    )
    figure = new_figure(2.9, title)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    x = (np.arange(picked.shape[1]) + 0.5) / picked.shape[1]
    for q, color in enumerate(level_colors(range(quarters))):
        left.plot(x, picked[q], color=color, linewidth=1.8)
        left.plot(x, there[q], color=color, linewidth=1, linestyle=":")
    left.set(xlim=(0, 1), ylim=(0, None))
    left.set_xlabel("true success rate", fontsize=9)
    left.set_ylabel("share of picks", fontsize=9)
    asked = done.asked[a].sum(axis=0)  # (P, L)
    share = asked / asked.sum(axis=1, keepdims=True)
    when = (np.arange(len(asked)) + 0.5) / len(asked)
    levels = range(1, asked.shape[1] + 1)
    right.stackplot(when, share.T, colors=level_colors(list(levels)), linewidth=0)
    right.set(xlim=(when[0], when[-1]), ylim=(0, 1))
    right.set_xlabel("part of the run", fontsize=9)
    right.set_ylabel("levels, easy at the bottom", fontsize=9)
    for axes in (left, right):
        tidy(axes)
    return Picture(f"card-{name}", title, CAPTION, f"{title}.", [], figure)


CAPTION = (
    "Simulated, scenario `demo`. Left: share of picks by the true success rate, one line a quarter "
    "of the run, from\npale (first) to dark (last); dotted: the pool at that time. Right: levels asked, "
    "pale is easy, over the run. The\ntable compares true success on held-out problems with `Uniform`'s "
    "at equal rollouts, with 95 % limits over\nworlds; [the scenarios](../simulate.md) are formulas, so "
    "no claim about real models follows."
)


# Pictures that are computed: nothing is simulated


def computed(name: str) -> str:
    """The section of a card whose picture follows from a formula; draws it."""
    p = np.linspace(0, 1, 101)
    if name in GATES:
        gate = carded()[name]()
        lines = {f"G = {size}": kept(gate, p, size) for size in (4, 8, 16)}
        title, what = f"Computed: what {name} keeps, by success rate", "chance to be kept"
        caption = (
            f"Computed, not simulated: the chance that `{name}()` keeps a group of G rollouts."
        )
    elif name == "SPEED":
        lines = {f"{n} to screen": dropped(p, n, 24) for n in (2, 4, 8)}
        title = "Computed: what SPEED spends on problems that it drops"
        what = "share of rollouts"
        caption = (
            "Computed, not simulated, since simulated groups are all of one size: the share of rollouts\n"
            "that go to dropped problems, with 24 for each that is kept."
        )
    else:
        rates = np.linspace(0.02, 0.98, 97)
        given = selection.group_sizes(rates, 8 * len(rates))
        p, lines = rates, {"Knapsack": given.astype(np.float64), "equal": np.full(len(rates), 8.0)}
        title, what = "Computed: group sizes of Knapsack, by success rate", "rollouts"
        caption = (
            "Computed, not simulated, since simulated groups are all of one size: how 97 problems with\n"
            "known success rates from .02 to .98 share 8 rollouts a problem."
        )
    figure = new_figure(2.6, title)
    axes = figure.subplots()
    axes.set(xlim=(0, 1))
    axes.set_xlabel("true success rate", fontsize=9)
    axes.set_ylabel(what, fontsize=9)
    for place, (color, (text, values)) in enumerate(zip(COLORS, lines.items(), strict=False)):
        axes.plot(p, values, color=color, linewidth=1.8)
        axes.annotate(
            plain(text), (1.01, 0.9 - 0.14 * place), xycoords="axes fraction", fontsize=9,
            color=color, fontweight="bold",
        )  # fmt: skip
    axes.set_ylim(0, None)
    tidy(axes)
    picture = Picture(f"card-{name}", title, caption, f"{title}.", [], figure)
    save(name, picture)
    return f"![{picture.alt}](figures/{name}.svg)\n\n{caption}"


def kept(gate: curricula.Gate, p: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """The chance that a gate keeps a group of `size` rollouts solved with chance p."""
    solved = np.arange(size + 1)
    groups = (np.arange(size) < solved[:, None]).astype(np.float64)  # (G + 1, G)
    accepted = gate.accepts(groups, SOLVED)
    chances = np.array([comb(size, k) * p**k * (1 - p) ** (size - k) for k in solved])
    return np.asarray(accepted @ chances)


def dropped(p: NDArray[np.float64], screened: int, whole: int) -> NDArray[np.float64]:
    goes_on = 1 - p**screened - (1 - p) ** screened
    lost = (1 - goes_on) * screened
    return np.asarray(lost / (lost + goes_on * whole))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", default=list(carded()))
    parser.add_argument("--without-costs", action="store_true")
    names = parser.parse_args().only
    sys.path.insert(0, str(DOCS.parent / "benchmarks"))  # costs are measured as there
    (CARDS / "figures").mkdir(parents=True, exist_ok=True)
    shows = simulated(names)
    shows |= {name: computed(name) for name in names if name in (*GATES, "SPEED", "Knapsack")}
    for name in names:
        path = CARDS / f"{name}.md"
        card = with_section(path.read_text(encoding="utf-8"), "Defaults", defaults(name))
        if not parser.parse_args().without_costs:
            card = with_section(card, "Cost", cost(name))
        if name in shows:
            card = with_section(card, "Picture", shows[name])
        path.write_text(card, encoding="utf-8")
    (DOCS / "golden.md").write_text(golden_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
