"""What a curriculum bought: journals in; laws, sample efficiency, figures and a report out.

study = read_study("runs/quick")
print(verdict(sample_efficiency(study, "mixed", "easy", target=0.6)))
write_report("runs/quick")
"""

from lessonplan.analysis.bootstrap import Design, Resamples, design, resample
from lessonplan.analysis.efficiency import (
    Comparison,
    Curves,
    Difference,
    at_target,
    curves,
    default_target,
    paired_differences,
    pairs,
    sample_efficiency,
    target_grid,
)
from lessonplan.analysis.figures import Picture, styles
from lessonplan.analysis.findings import Finding, find, law_rows
from lessonplan.analysis.fit import Fits, collapse, fit, linear_step
from lessonplan.analysis.isotonic import isotonic
from lessonplan.analysis.journals import read_journal
from lessonplan.analysis.laws import EFFICIENCY, EXTRAPOLATION, HILL, POWER, Law, Prior
from lessonplan.analysis.report import write_report
from lessonplan.analysis.runs import Evaluation, Groups, ItemSet, Run, Steps
from lessonplan.analysis.studies import Study, accuracy, accuracy_rows, read_study
from lessonplan.analysis.tables import ItemTable, item_table
from lessonplan.analysis.tiers import item_weights, level_tiers
from lessonplan.analysis.verdicts import gap, sentences, verdict

__all__ = [
    "EFFICIENCY",
    "EXTRAPOLATION",
    "HILL",
    "POWER",
    "Comparison",
    "Curves",
    "Design",
    "Difference",
    "Evaluation",
    "Finding",
    "Fits",
    "Groups",
    "ItemSet",
    "ItemTable",
    "Law",
    "Picture",
    "Prior",
    "Resamples",
    "Run",
    "Steps",
    "Study",
    "accuracy",
    "accuracy_rows",
    "at_target",
    "collapse",
    "curves",
    "default_target",
    "design",
    "find",
    "fit",
    "gap",
    "isotonic",
    "item_table",
    "item_weights",
    "law_rows",
    "level_tiers",
    "linear_step",
    "paired_differences",
    "pairs",
    "read_journal",
    "read_study",
    "resample",
    "sample_efficiency",
    "sentences",
    "styles",
    "target_grid",
    "verdict",
    "write_report",
]
