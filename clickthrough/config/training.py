"""How a model is trained, and how its scores become probabilities."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from clickthrough.config.base import Duration, Strict

Monitor = Literal[
    "log_loss",
    "listwise_loss",
    "normalized_entropy",
    "ece",
    "auc",
    "request_auc",
    "map_at_12",
    "ndcg",
]
CalibrationMethod = Literal["auto", "platt", "temperature", "isotonic", "none"]


LARGEST_SEED = 2**31 - 1_001
"""All that draws at random takes it, and so many more for the runs of a comparison."""


class Training(Strict):
    """The training loop.

    Attributes:
        epochs: passes over the training part, at most.
        batch_size: impressions a step.
        least_steps: steps that an epoch has at least: a small log gets smaller batches.
        learning_rate: the learning rate of the optimizer, at its height.
        embedding_rate: learning rate of embedding tables, as a share of ``learning_rate``; their
            optimizer has no momentum and takes longer steps on rare ids.
        weight_decay: decay of all weights but the embeddings (AdamW).
        embedding_l2: strength of L2 on the embeddings that a batch uses: added to their gradient.
        precision: that of the perceptron's arithmetic in training; weights stay in fp32.
        unseen_share: share of ids replaced by the unseen id, so that its row is trained.
        listwise: weight of the softmax over the candidates of a request in the loss; the rest is
            binary cross-entropy. Above 0 a batch holds whole requests.
        averaging: decay of an exponential moving average of the weights, a step at a time; the
            average is what is validated and kept. 0 keeps the weights themselves; 0.998 averages
            about the last 500 steps.
        weight: a field of numbers: the weight of each impression in the loss.
        pos_weight: weight of a click in the binary cross-entropy; ``balanced`` is non-clicks over
            clicks. Probabilities are corrected for it.
        negatives: share of the non-clicks that an epoch trains on, drawn anew for each;
            probabilities are corrected for it.
        warmup_steps: steps over which the learning rate rises from 0.
        decay: how the learning rate falls: to 0 at the end of the last of ``epochs`` along a line
            or half a cosine; or by ``plateau_factor`` where ``monitor`` has come to a standstill;
            ``none`` keeps it.
        plateau_factor: what ``plateau`` multiplies the learning rate by.
        plateau_patience: validations without improvement after which ``plateau`` lowers it.
        threads: how many threads torch or LightGBM trains with; by default as many as it chooses.
        clip_norm: the largest norm of the gradient of all weights but the embeddings.
        shuffle_rows: rows that are shuffled among themselves: all, where the log has no more, else
            blocks of neighbours drawn at random, so that rows may exceed memory.
        checkpoint_every: time between two checkpoints; see ``train --resume``.
        device: ``auto`` is a GPU where torch has one, else the processor; ``cuda:1`` names one.
        tables: what each of several processes (``torchrun``) holds of the embedding tables: all
            rows, or a share of them with its moments.
        patience: epochs without improvement of ``monitor`` on validation before stopping.
        monitor: the metric of the validation part by which epochs are compared.
        seed: the seed of all that is drawn at random.
    """

    epochs: int = Field(default=20, ge=1)
    batch_size: int = Field(default=1024, ge=2)
    least_steps: int = Field(default=20, ge=1)
    learning_rate: float = Field(default=1e-3, gt=0)
    embedding_rate: float = Field(default=0.5, gt=0)
    weight_decay: float = Field(default=1e-5, ge=0)
    embedding_l2: float = Field(default=0.0, ge=0)
    precision: Literal["fp32", "bf16"] = "fp32"
    unseen_share: float = Field(default=0.02, ge=0, lt=1)
    listwise: float = Field(default=0.0, ge=0, le=1)
    averaging: float = Field(default=0.0, ge=0, lt=1)
    weight: str | None = None
    pos_weight: Annotated[float, Field(gt=0)] | Literal["balanced"] = 1.0
    negatives: float = Field(default=1.0, gt=0, le=1)
    warmup_steps: int = Field(default=0, ge=0)
    decay: Literal["none", "linear", "cosine", "plateau"] = "cosine"
    plateau_factor: float = Field(default=0.1, gt=0, lt=1)
    plateau_patience: int = Field(default=1, ge=1)
    threads: int | None = Field(default=None, ge=1, le=1_024)
    clip_norm: float | None = Field(default=None, gt=0)
    shuffle_rows: int = Field(default=4_000_000, ge=1)
    checkpoint_every: Duration = 60
    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$")] = "auto"
    tables: Literal["replicated", "sharded"] = "replicated"
    patience: int = Field(default=5, ge=1)
    monitor: Monitor = "log_loss"
    seed: int = Field(default=7, ge=0, le=LARGEST_SEED)

    @model_validator(mode="after")
    def _whole_requests(self) -> Self:
        if self.listwise > 0 and self.negatives < 1:
            raise ValueError("negatives: a listwise loss needs whole requests; expected 1")
        return self


class Calibration(Strict):
    """The map from score to probability, fitted on the validation period.

    Attributes:
        method: ``auto`` takes Platt unless another one is better on held-out validation rows
            beyond chance; ``none`` leaves probabilities as the model gives them.
        by: a field of a ``categorical`` feature: each of its values with enough data gets a map
            of its own.
        least: clicks in validation, and impressions without, that a value needs for that.
    """

    method: CalibrationMethod = "auto"
    by: str | None = None
    least: int = Field(default=200, ge=1)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.method == "none" and self.by is not None:
            raise ValueError("by: nothing is fitted by method none; expected another method")
        return self
