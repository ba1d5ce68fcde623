"""Further shapes of a scaling curve, for a second opinion, and every law by its short name."""

import numpy as np

from lessonplan.analysis.laws import HILL, POWER, PURE_POWER, Floats, Law, log_sizes
from lessonplan.errors import ConfigError

NEWTON_STEPS = 60  # of a scalar equation; a convex one takes 6


class ShiftedPower(Law):
    """error = (1 - A) + (A - a0) (1 + n/d)^-a: a power law that starts at d; theta = (ln a, ln d).

    Finite at n = 0, so it uses the base model. "pow4", the second opinion beside Hill. With d at
    its upper bound it is an exponential and a and d slide along a flat ridge.
    """

    name = "shifted power law"
    steps = 40  # the ridge

    def box(self, x: Floats) -> tuple[Floats, Floats]:
        return (
            np.array([np.log(0.05), np.log(x.min()) - 4.0]),
            np.array([np.log(8.0), np.log(x.max()) + 5.0]),
        )

    def shape(self) -> tuple[int, ...]:
        return (14, 16)

    def z(self, x: Floats, theta: Floats) -> Floats:
        part = x / np.exp(theta[..., 1:2])
        return np.asarray(np.exp(-np.exp(theta[..., :1]) * np.log1p(part)))

    def slopes(self, x: Floats, theta: Floats) -> Floats:
        a, part = np.exp(theta[..., :1]), x / np.exp(theta[..., 1:2])
        log = np.log1p(part)
        z = np.exp(-a * log)
        return np.stack([-z * a * log, z * a * part / (1.0 + part)], axis=-1)

    def inverse(self, z: Floats, theta: Floats) -> Floats:
        return np.asarray(theta[..., 1] + np.log(np.expm1(-np.log(z) / np.exp(theta[..., 0]))))


class Exponential(Law):
    """error = (1 - A) + (A - a0) exp(-n/d); theta = (ln d,).

    Saturates too early on most curves: a check on what an early plateau would mean.
    """

    name = "exponential"
    exponents = ()

    def box(self, x: Floats) -> tuple[Floats, Floats]:
        return np.array([np.log(x.min()) - 2.0]), np.array([np.log(x.max()) + 5.0])

    def shape(self) -> tuple[int, ...]:
        return (80,)

    def z(self, x: Floats, theta: Floats) -> Floats:
        return np.asarray(np.exp(-x / np.exp(theta[..., :1])))

    def slopes(self, x: Floats, theta: Floats) -> Floats:
        part = x / np.exp(theta[..., :1])
        return np.asarray((np.exp(-part) * part)[..., None])

    def inverse(self, z: Floats, theta: Floats) -> Floats:
        return np.asarray(theta[..., 0] + np.log(-np.log(z)))


class M4(Law):
    """(e - e_inf) / (e0 - e)^alpha = beta n^-b, the M4 learning curve (arXiv 2209.06640).

    theta = (ln b, ln c, ln alpha). With z = (e - e_inf) / (e0 - e_inf) it reads z / (1 - z)^alpha
    = (n/c)^-b; alpha 1 is Hill. Implicit, but in t = logit z it is t + (alpha - 1) ln(1 + exp t)
    = -b ln(n/c), whose left side rises with a slope between 1 and alpha and is convex or concave:
    Newton from any start gets there.
    """

    name = "M4"
    least_sizes = 3
    starts = 2
    steps = 40

    def box(self, x: Floats) -> tuple[Floats, Floats]:
        low, high = HILL.box(x)
        return np.append(low, np.log(0.25)), np.append(high, np.log(4.0))

    def shape(self) -> tuple[int, ...]:
        return (9, 12, 5)

    def _logit(self, x: Floats, theta: Floats) -> Floats:
        """t at sizes x, (..., K); +inf at the base point."""
        goal = -np.exp(theta[..., :1]) * (log_sizes(x) - theta[..., 1:2])
        bend = np.exp(theta[..., 2:3]) - 1.0
        known = np.isfinite(goal)
        goal = np.clip(np.where(known, goal, 0.0), -700.0, 700.0)
        t = np.where(goal > 0, goal / (1.0 + bend), goal)
        for _ in range(NEWTON_STEPS):
            step = (t + bend * np.logaddexp(0.0, t) - goal) / (1.0 + bend * _logistic(t))
            t = t - step
            if np.abs(step).max() < 1e-12 * 700:
                break
        return np.where(known, t, np.inf)

    def z(self, x: Floats, theta: Floats) -> Floats:
        return _logistic(self._logit(x, theta))

    def slopes(self, x: Floats, theta: Floats) -> Floats:
        t = self._logit(x, theta)
        inside = np.isfinite(t)
        t = np.where(inside, t, 0.0)
        z = _logistic(t)
        b, alpha = np.exp(theta[..., :1]), np.exp(theta[..., 2:3])
        soft = np.logaddexp(0.0, t)
        goal = t + (alpha - 1.0) * soft
        share = np.where(inside, z * (1.0 - z) / (1.0 + (alpha - 1.0) * z), 0.0)  # dz/dgoal
        return np.stack([share * goal, share * b, -share * alpha * soft], axis=-1)

    def inverse(self, z: Floats, theta: Floats) -> Floats:
        goal = np.log(z) - np.exp(theta[..., 2]) * np.log1p(-z)
        return np.asarray(theta[..., 1] - goal / np.exp(theta[..., 0]))


class BrokenPower(Law):
    """One smooth break: z = n^-p (1 + (n/d)^(1/f))^(-q f), "bnsl1" (arXiv 2210.14891).

    theta = (ln p, ln d, ln(p + q), ln f): the slope before the break, where it is, the slope after
    it, and its width in ln n. Six parameters with c0 and c1; needs points past the break.
    """

    name = "broken power law"
    uses_base = False
    exponents = (0, 2)
    least_sizes = 6
    starts = 6
    steps = 60

    def box(self, x: Floats) -> tuple[Floats, Floats]:
        return (
            np.array([np.log(0.02), np.log(x.min()), np.log(0.02), np.log(0.05)]),
            np.array([np.log(4.0), np.log(x.max()), np.log(4.0), np.log(2.0)]),
        )

    def shape(self) -> tuple[int, ...]:
        return (7, 7, 7, 3)

    def _parts(self, x: Floats, theta: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        p, d, after, f = (theta[..., k : k + 1] for k in range(4))
        p, after, f = np.exp(p), np.exp(after), np.exp(f)
        s = (np.log(x) - d) / f
        return p, after, f, s, np.logaddexp(0.0, s)

    def z(self, x: Floats, theta: Floats) -> Floats:
        p, after, f, _, soft = self._parts(x, theta)
        return np.asarray(np.exp(-p * np.log(x) - (after - p) * f * soft))

    def slopes(self, x: Floats, theta: Floats) -> Floats:
        p, after, f, s, soft = self._parts(x, theta)
        z = np.exp(-p * np.log(x) - (after - p) * f * soft)
        share = _logistic(s)
        by = [
            -p * (np.log(x) - f * soft),
            (after - p) * share,
            -after * f * soft,
            -(after - p) * f * (soft - s * share),
        ]
        return z[..., None] * np.stack(by, axis=-1)

    def inverse(self, z: Floats, theta: Floats) -> Floats:
        """By Newton in s = ln(n/d)/f: the slope of ln z lies between -p and -(p + q)."""
        p, d, after, f = np.exp(theta[..., 0]), theta[..., 1], np.exp(theta[..., 2]), theta[..., 3]
        f = np.exp(f)
        goal = (-np.log(z) - p * d) / f  # = p s + q softplus(s)
        s = goal / np.where(goal > 0, after, p)
        for _ in range(NEWTON_STEPS):
            step = p * s + (after - p) * np.logaddexp(0.0, s) - goal
            step = step / (p + (after - p) * _logistic(s))
            s = s - step
            if np.abs(step).max(initial=0.0) < 1e-10 * (1.0 + np.abs(s).max(initial=0.0)):
                break
        return np.asarray(d + f * s)


def _logistic(t: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(t, -700.0, 700.0))))


POW4, EXP, M4_LAW, BNSL1 = ShiftedPower(), Exponential(), M4(), BrokenPower()

LAWS: dict[str, Law] = {
    "hill": HILL,
    "pow2": PURE_POWER,
    "pow3": POWER,
    "pow4": POW4,
    "exp": EXP,
    "m4": M4_LAW,
    "bnsl1": BNSL1,
    "tan1": PURE_POWER,
}


def find_law(law: str | Law) -> Law:
    """A law by its short name, or the law itself. Raises ConfigError naming the choices."""
    if isinstance(law, Law):
        return law
    if law not in LAWS:
        raise ConfigError(f"no law {law!r}; known: {', '.join(LAWS)}; of your own: fit_user_law")
    return LAWS[law]
