"""The seam: whatever leaves the files of a run in the folder can do a study."""

import pytest

from lessonplan.curricula import Journal
from lessonplan.training.config import Grid, StudyConfig
from lessonplan.training.plan import expand, journal_path
from lessonplan.training.study import is_done, run_study
from lessonplan.training.workers import Finished, Progress

CONFIG = StudyConfig("seam", grid=Grid(arms=("easy", "uniform"), sizes=(8,), starts=(0, 1)))


class Pretender:
    """Writes journals that say `done`; fails what it is told to fail."""

    def __init__(self, failing=()):
        self.failing, self.closed, self.workers = failing, False, None

    def work_through(self, next_run, folder, workers):
        self.workers = workers
        try:
            while (run := next_run()) is not None:
                yield Progress(run, {"step": 1})
                if run.id in self.failing:
                    yield Finished(run, "as asked")
                    continue
                with Journal(journal_path(folder, run)) as journal:
                    journal.append("end", status="done")
                yield Finished(run, None)
        finally:
            self.closed = True


def test_a_study_works_on_any_backend_and_resumes_on_another(tmp_path):
    first = Pretender(failing=["counting-1", "counting-0-sft"])
    result = run_study(CONFIG, tmp_path, backend=first)
    assert first.closed and first.workers == CONFIG.workers
    lost = {run.id for run in expand(CONFIG) if run.start == 1} | {"counting-0-sft"}
    assert set(result.failed) == lost
    assert result.failed["counting-1-sft"] == "its warm start failed: as asked"
    again = run_study(CONFIG, tmp_path, backend=Pretender())
    assert {run.id for run in again.done} == lost and not again.failed
    assert all(is_done(run, tmp_path) for run in expand(CONFIG))


def test_a_backend_is_closed_when_the_watcher_fails(tmp_path):
    class Faulty:
        def planned(self, runs, earlier):
            pass

        def progress(self, run, facts):
            raise RuntimeError("as asked")

    backend = Pretender()
    with pytest.raises(RuntimeError, match="as asked"):
        run_study(CONFIG, tmp_path, Faulty(), backend=backend)
    assert backend.closed
