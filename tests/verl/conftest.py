"""One ray and one queue for all tests with verl's driver; problems as files in verl's layout."""

import pytest

from lessonplan.generators import Pool, Problem, generate, write_verl


@pytest.fixture(scope="session")
def problems():
    """24 problems of our own tasks, and two of a make that our reward cannot score."""
    ours = generate("counting", [1, 2, 3], 24, split="train")
    foreign = [Problem(id=f"foreign-{i}", prompt=f"Say {i}.", answer=str(i)) for i in range(2)]
    return Pool([*ours, *foreign])


@pytest.fixture(scope="session")
def files(problems, tmp_path_factory):
    """Training problems, and four others for validation."""
    folder = tmp_path_factory.mktemp("verl")
    write_verl(problems, folder / "train.parquet")
    others = generate("counting", [1], 4, split="validation")
    write_verl(others, folder / "val.parquet", split="validation")
    return folder / "train.parquet", folder / "val.parquet"


@pytest.fixture(scope="session")
def answers(problems):
    return {problem.id: problem.answer for problem in problems}


@pytest.fixture(scope="session")
def queue():
    """TransferQueue, real, on a ray of this machine."""
    import ray
    import transfer_queue as tq
    from omegaconf import OmegaConf

    ray.init(
        num_cpus=2,
        include_dashboard=False,
        object_store_memory=100 * 2**20,
        log_to_driver=False,
        configure_logging=False,
    )
    tq.init(OmegaConf.create({"backend": {"SimpleStorage": {"num_data_storage_units": 1}}}))
    yield
    tq.close()
    ray.shutdown()
