"""What a curriculum bought: journals in; laws, sample efficiency, figures and a report out.

study = read_study("runs/quick")
print(verdict(sample_efficiency(study, "mixed", "easy", target=0.6)))
write_report("runs/quick")
"""

from lessonplan.analysis.bootstrap import Design, Resamples, design, resample
from lessonplan.analysis.column_mapping import read_mapped
from lessonplan.analysis.compute_law import ComputeLaw, fit_compute_law
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
from lessonplan.analysis.exports import read_export
from lessonplan.analysis.extrapolate import ErrorFactors, LeftOut, error_factors, leave_largest_out
from lessonplan.analysis.figures import Picture, styles
from lessonplan.analysis.findings import Finding, find, law_rows
from lessonplan.analysis.fit import Fits, collapse, fit, linear_step
from lessonplan.analysis.isotonic import isotonic
from lessonplan.analysis.journal_summary import (
    EvalPoint,
    JournalSummary,
    summarize_journal,
    summarize_journals,
)
from lessonplan.analysis.journals import read_journal
from lessonplan.analysis.law_cells import RunCells, run_cells
from lessonplan.analysis.law_comparison import law_errors, law_scores, law_sentence
from lessonplan.analysis.law_curve import Estimate, FittedCurve, LawCurve, fit_law
from lessonplan.analysis.law_sensitivity import Sensitivity, sensitivity
from lessonplan.analysis.law_shapes import LAWS, find_law
from lessonplan.analysis.laws import EFFICIENCY, EXTRAPOLATION, HILL, POWER, Law, Prior, Quantity
from lessonplan.analysis.learning_table import LearningTable, RunLabels, join_tables, run_table
from lessonplan.analysis.log_formats import log_format, read_log
from lessonplan.analysis.model_sizes import ModelSizes, fit_model_sizes
from lessonplan.analysis.multiple import adjust_differences, adjust_ratios, holm
from lessonplan.analysis.next_run import Pilot, next_runs, read_pilot
from lessonplan.analysis.plan_search import cheapest, cost
from lessonplan.analysis.planning import (
    Forecast,
    HillGuess,
    Layout,
    Pair,
    item_noise,
    pair_of,
    predict,
)
from lessonplan.analysis.point_report import write_point_report
from lessonplan.analysis.point_tables import at_accuracy, effective_data, read_points
from lessonplan.analysis.report import write_report
from lessonplan.analysis.response import fit_response, mixtures, response_figure, trace_figure
from lessonplan.analysis.results import Results, read_results
from lessonplan.analysis.runs import Evaluation, Groups, ItemSet, Run, Steps
from lessonplan.analysis.step_files import read_step_files
from lessonplan.analysis.studies import Study, accuracy, accuracy_rows, read_study
from lessonplan.analysis.table_study import table_study
from lessonplan.analysis.tables import ItemTable, item_table
from lessonplan.analysis.tensorboard_logs import read_tensorboard
from lessonplan.analysis.tiers import item_weights, level_tiers
from lessonplan.analysis.trl_logs import read_trl
from lessonplan.analysis.two_dimensional import Surface, fit_surface
from lessonplan.analysis.user_law import UserCurve, fit_user_law
from lessonplan.analysis.verdicts import gap, sentences, verdict
from lessonplan.analysis.verl_logs import read_verl_dumps, read_verl_metrics

__all__ = [
    "EFFICIENCY",
    "EXTRAPOLATION",
    "HILL",
    "LAWS",
    "POWER",
    "Comparison",
    "ComputeLaw",
    "Curves",
    "Design",
    "Difference",
    "ErrorFactors",
    "Estimate",
    "EvalPoint",
    "Evaluation",
    "Finding",
    "Fits",
    "FittedCurve",
    "Forecast",
    "Groups",
    "HillGuess",
    "ItemSet",
    "ItemTable",
    "JournalSummary",
    "Law",
    "LawCurve",
    "Layout",
    "LearningTable",
    "LeftOut",
    "ModelSizes",
    "Pair",
    "Picture",
    "Pilot",
    "Prior",
    "Quantity",
    "Resamples",
    "Results",
    "Run",
    "RunCells",
    "RunLabels",
    "Sensitivity",
    "Steps",
    "Study",
    "Surface",
    "UserCurve",
    "accuracy",
    "accuracy_rows",
    "adjust_differences",
    "adjust_ratios",
    "at_accuracy",
    "at_target",
    "cheapest",
    "collapse",
    "cost",
    "curves",
    "default_target",
    "design",
    "effective_data",
    "error_factors",
    "find",
    "find_law",
    "fit",
    "fit_compute_law",
    "fit_law",
    "fit_model_sizes",
    "fit_response",
    "fit_surface",
    "fit_user_law",
    "gap",
    "holm",
    "isotonic",
    "item_noise",
    "item_table",
    "item_weights",
    "join_tables",
    "law_errors",
    "law_rows",
    "law_scores",
    "law_sentence",
    "leave_largest_out",
    "level_tiers",
    "linear_step",
    "log_format",
    "mixtures",
    "next_runs",
    "pair_of",
    "paired_differences",
    "pairs",
    "predict",
    "read_export",
    "read_journal",
    "read_log",
    "read_mapped",
    "read_pilot",
    "read_points",
    "read_results",
    "read_step_files",
    "read_study",
    "read_tensorboard",
    "read_trl",
    "read_verl_dumps",
    "read_verl_metrics",
    "resample",
    "response_figure",
    "run_cells",
    "run_table",
    "sample_efficiency",
    "sensitivity",
    "sentences",
    "styles",
    "summarize_journal",
    "summarize_journals",
    "table_study",
    "target_grid",
    "trace_figure",
    "verdict",
    "write_point_report",
    "write_report",
]
