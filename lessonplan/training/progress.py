"""What a run says about itself while it trains: one set of facts after every logged step."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

Report: TypeAlias = Callable[[Mapping[str, object]], None]  # hears of a run, for people only


class Progress(TrainerCallback):
    """Report step, mean reward, share of groups without variance (0..1) and mean level.

    Only the first process reports, and only of training: logs of an evaluation have no reward.
    """

    def __init__(self, report: Report) -> None:
        self.report = report

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, object] | None = None,
        **kwargs: object,
    ) -> None:
        if state.is_world_process_zero and logs and "reward" in logs:
            self.report(
                {
                    "step": state.global_step,
                    "reward": logs["reward"],
                    "zero_variance": logs.get("frac_reward_zero_std"),
                    "level": logs.get("curriculum/level"),
                }
            )
