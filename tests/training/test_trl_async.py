"""TRL's real asynchronous rollout loop with a curriculum, against a small server in vLLM's place."""

import asyncio
import multiprocessing
import queue
import random
import threading
from collections import Counter
from functools import partial

import pytest
from accelerate.state import PartialState
from trl.experimental.async_grpo import AsyncGRPOTrainer

from lessonplan.curricula import Curriculum, ZeroVariance, read_events
from lessonplan.errors import EngineError
from lessonplan.selection import Uniform
from lessonplan.selection.knapsack import Knapsack
from lessonplan.training.trl import attach
from lessonplan.training.trl_async import CurriculumLoop


@pytest.fixture
def server(tokenizer):
    """Answers /v1/completions with one to four random tokens."""
    web = pytest.importorskip("aiohttp.web")
    rng = random.Random(0)

    async def completions(request):
        sent = await request.json()
        ids = [rng.randrange(4, len(tokenizer)) for _ in range(rng.randint(1, 4))]
        assert sent["prompt"] and sent["return_token_ids"]
        choice = {"token_ids": ids, "logprobs": {"token_logprobs": [-1.0] * len(ids)}}
        return web.json_response({"choices": [choice]})

    loop = asyncio.new_event_loop()
    app = web.Application()
    app.router.add_post("/v1/completions", completions)
    runner = web.AppRunner(app)
    loop.run_until_complete(runner.setup())
    site = web.TCPSite(runner, "127.0.0.1", 0)
    loop.run_until_complete(site.start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)


def of_number(completions, problem_id, **columns):
    """Half right on every second problem; on the others nothing is."""
    return [float(int(one[-1], 16) % 2 and j % 2) for j, one in enumerate(problem_id)]


@pytest.fixture
def rollouts(tokenizer, server):
    """Let the loop hand over so many groups, and return them with the loop."""

    def run(build, *, groups, version=0):
        PartialState()  # as TRL's child process does
        context = multiprocessing.get_context("spawn")
        samples, failures, loops = queue.Queue(), queue.Queue(), queue.Queue()

        def child():  # one thread builds and runs: a lock belongs to its thread
            try:
                loops.put(
                    CurriculumLoop(
                        dataset=build,
                        dataset_start_index=3,
                        model_name="tiny",
                        reward_funcs=[of_number],
                        processing_class=tokenizer,
                        eos_token_ids=[tokenizer.eos_token_id],
                        rollout_buffer=samples,
                        model_version_value=context.Value("i", version),
                        heartbeat_value=context.Value("d", 0.0),
                        failed_event=context.Event(),
                        exception_info_queue=failures,
                        metrics_queue=queue.Queue(),
                        num_generations=4,
                        max_inflight_tasks=8,
                        vllm_server_url=server,
                    )
                )
            except EngineError as error:
                loops.put(error)
                return
            loops.queue[0].run()

        thread = threading.Thread(target=child, daemon=True)
        thread.start()
        while loops.empty():
            thread.join(0.05)
        loop = loops.queue[0]
        if isinstance(loop, EngineError):
            raise loop
        got = []
        while len(got) < 4 * groups:
            assert thread.is_alive(), failures.get(timeout=1)
            try:
                got.append(samples.get(timeout=0.2))
            except queue.Empty:
                continue
        loop._loop.call_soon_threadsafe(loop._stop_event.set)
        thread.join(30)
        assert not thread.is_alive()
        return got, loop

    return run


@pytest.fixture
def chat(tokenizer):
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }} {% endfor %}"
    tokenizer.response_template = {"content": "rest"}
    yield
    tokenizer.chat_template = None
    del tokenizer.response_template


def test_the_loop_asks_tells_and_hands_over_accepted_groups_alone(chat, rollouts, pool, tmp_path):
    path = tmp_path / "journal.jsonl"
    got, loop = rollouts(
        lambda: Curriculum(pool, Uniform(pool), gates=[ZeroVariance()], journal=path),
        groups=12,
        version=5,
    )
    sizes = Counter(sample.group_id for sample in got)
    assert set(sizes.values()) == {4} and len(sizes) == 12
    assert all(sample.advantage != 0 for sample in got)
    ledger = loop.curriculum.ledger
    assert ledger["trained"] >= 12 and ledger["filtered"] > 0 and ledger["open"] == 0
    events = list(read_events(path))
    told = [event for event in events if event["event"] == "tell"]
    assert {event["step"] for event in told if event["rewards"][0]} == {5}
    assert events[-1]["event"] == "end" and events[-1]["status"] == "done"


def test_a_new_process_goes_on_from_the_journal(chat, rollouts, pool, tmp_path):
    build = partial(of_journal, pool, tmp_path / "journal.jsonl")
    _, first = rollouts(build, groups=3)
    _, second = rollouts(build, groups=3)
    assert second.curriculum.ledger["issued"] > first.curriculum.ledger["issued"] > 3
    assert second.curriculum.ledger["open"] == 0


def of_journal(pool, path):
    return Curriculum(pool, Uniform(pool), journal=path)


def test_orders_of_group_sizes_are_refused(chat, rollouts, pool):
    with pytest.raises(EngineError, match="Knapsack sets group sizes or purposes, and TRL gener"):
        rollouts(lambda: Curriculum(pool, Knapsack(pool)), groups=1)


def test_attach_names_the_worker(pool):
    trainer = object.__new__(AsyncGRPOTrainer)  # the real one needs a server to be built
    with pytest.raises(EngineError, match="AsyncGRPOTrainer generates in a process of its own"):
        attach(trainer, Curriculum(pool, Uniform(pool)))
