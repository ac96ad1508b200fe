"""Where training runs. What needs a GPU is skipped where there is none."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from clickthrough.config.training import Training
from clickthrough.errors import ConfigError
from clickthrough.training.distributed.group import ALONE, Group
from clickthrough.training.distributed.place import Place
from clickthrough.training.machine.device import Rows, device_of
from clickthrough.training.optim.loop import Trainer, predict_logits, train_model
from clickthrough.training.optim.step import Step
from clickthrough.training.rows.batches import batches_of
from tests.training.distributed.test_share import Pretended
from tests.training.optim.test_loop import made_model, made_table

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device")
CPU = torch.device("cpu")


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Pretend that there are two GPUs; the list says which were chosen."""
    chosen: list[int] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    return chosen


@pytest.mark.parametrize(
    ("setting", "local", "expected"),
    [
        ("cpu", "1", "cpu"),
        ("auto", "0", "cuda:0"),
        ("auto", "1", "cuda:1"),
        ("cuda", "1", "cuda:1"),
    ],
)
def test_each_process_takes_a_gpu_of_its_own(
    setting: str, local: str, expected: str, gpus: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_RANK", local)
    assert str(device_of(setting, Pretended(int(local), 2))) == expected
    assert gpus == ([int(local)] if expected != "cpu" else [])


def test_one_process_takes_the_gpu_that_is_named(gpus: list[int]) -> None:
    assert str(device_of("cuda:1", ALONE)) == "cuda:1"
    assert str(device_of("cuda", ALONE)) == "cuda:0"


@pytest.mark.usefixtures("gpus")
@pytest.mark.parametrize(
    ("setting", "group", "says"),
    [
        ("cuda:2", ALONE, "found cuda:2, of which process 0 of 1 would take number 2, but torch "
         "sees 2 CUDA devices"),
        ("cuda:1", Pretended(1, 2), "found cuda:1, one device for 2 processes; expected cuda"),
    ],
)  # fmt: skip
def test_a_gpu_that_is_not_there_is_named(setting: str, group: Group, says: str) -> None:
    with pytest.raises(ConfigError, match=rf"^training\.device: {says}"):
        device_of(setting, group)


@pytest.mark.skipif(torch.cuda.is_available(), reason="torch sees a CUDA device")
def test_without_a_gpu_auto_is_the_processor() -> None:
    assert device_of("auto", ALONE) == CPU
    with pytest.raises(ConfigError, match="but torch sees 0 CUDA devices"):
        device_of("cuda", ALONE)


@pytest.mark.parametrize("setting", ["gpu", "cuda:", "cuda:a", "cpu:0", ""])
def test_other_devices_are_no_setting(setting: str) -> None:
    with pytest.raises(ValueError, match="device"):
        Training(device=setting)


def test_rows_are_taken_as_they_lie() -> None:
    table = replace(made_table(1), weights=np.arange(800, dtype=np.float32))
    rows, places = Rows(table, CPU), torch.tensor([5, 799, 5])
    ids, numeric, _, _ = rows.inputs(places)
    assert np.array_equal(ids.numpy(), table.inputs.ids[places.numpy()])
    assert np.array_equal(numeric.numpy(), table.inputs.numeric[places.numpy()])
    assert rows.labels(places).tolist() == table.labels[places.numpy()].tolist()
    weights = rows.weights(places)
    assert weights is not None
    assert weights.tolist() == [5, 799, 5]
    assert Rows(made_table(1), CPU).weights(places) is None


@needs_gpu
@pytest.mark.parametrize("share", [0.5, 0.0])
def test_a_gpu_comes_to_what_a_processor_comes_to(
    share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows on the device, and rows that do not fit there."""
    monkeypatch.setattr("clickthrough.training.machine.device._SHARE", share)
    logits = []
    for device in ("cpu", "cuda"):
        model = made_model()
        settings = Training(epochs=2, batch_size=64, unseen_share=0.0, device=device)
        train_model(model, made_table(1), made_table(2), settings)
        assert model.shift.device.type == device
        logits.append(predict_logits(model, made_table(3).inputs))
    np.testing.assert_allclose(logits[0], logits[1], atol=1e-2)


@needs_gpu
def test_a_step_does_not_wait_for_the_gpu() -> None:
    settings = Training(batch_size=64, listwise=0.5, clip_norm=1.0, averaging=0.9, device="cuda")
    place, table = Place.of(settings), made_table(1)
    model = made_model()
    place.enter(model)
    step = Step(model, Rows(table, place.device), settings, place)
    batches = list(batches_of(table, settings, np.random.default_rng(1)))
    step.take(batches[0], 1.0)  # libraries are loaded at first use
    torch.cuda.set_sync_debug_mode("error")
    try:
        for batch in batches[1:]:
            step.take(batch, 1.0)
    finally:
        torch.cuda.set_sync_debug_mode("default")


@needs_gpu
def test_a_run_on_a_gpu_goes_on() -> None:
    settings = Training(epochs=2, batch_size=64, device="cuda")
    trainer = Trainer(made_model(), made_table(1), made_table(2), settings)
    trainer._epoch(lambda *_: None, None)
    state = trainer.state()
    again = Trainer(made_model(), made_table(1), made_table(2), settings)
    again.restore({name: value.cpu().clone() for name, value in state[0].items()}, state[1])
    assert [e.number for e in again.run()] == [1, 2]
