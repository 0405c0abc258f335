"""The settings of the classifier rails, below `rails.config.classifier` or the rail's own name."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from handrail.batching import BatchLimits
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

EngineName = Literal["embedded", "transformers", "onnx", "vllm", "tei", "kserve", "fms", "openai"]
LOCAL, EVERYTHING = ("transformers", "onnx"), "*"
OPENAI_URL = "https://api.openai.com/v1"

Score = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=True)]
Count = Annotated[int, Field(ge=1, strict=True)]


class BatchSettings(BaseModel):
    """How what many streams ask is gathered."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: Count = Field(default=64, description="The most texts in a batch.")
    wait_ms: float = Field(default=2.0, ge=0, allow_inf_nan=False, description="How long the first one waits.")
    tokens: Count | None = Field(default=None, description="The most tokens in a batch.")
    rest: float = Field(
        default=1.0,
        ge=0,
        allow_inf_nan=False,
        description="How long the classifier rests after a batch, in times that the batch took, unless the next "
        "is full.",
    )
    pending: Count = Field(default=4096, description="How many texts may wait; one more is a failure of its check.")
    workers: Count = Field(default=1, description="How many batches may be judged at once.")

    @property
    def limits(self) -> BatchLimits:
        """The same, as the kernel has it."""
        return BatchLimits(
            size=self.size,
            wait=self.wait_ms / 1000,
            tokens=self.tokens,
            rest=self.rest,
            pending=self.pending,
            workers=self.workers,
        )


class LabelSettings(BaseModel):
    """What every classifier may have: which of its labels are violations, and where it runs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    labels: dict[str, str | None] = Field(
        default_factory=dict,
        description="The model's labels, each with the category of a violation that it stands for, or null for a "
        "harmless one. `*` stands for all others. A label that is not listed is an error.",
    )
    thresholds: dict[str, Score] = Field(
        default_factory=dict, description="By category: the score from which on a text is refused, 0.5 unless set."
    )
    device: str = Field(default="cpu", description="Where the model runs in this process, such as `cuda`.")

    def is_harmful(self, label: str) -> bool:
        """Return whether a label stands for a violation."""
        return self.labels.get(label, self.labels.get(EVERYTHING)) is not None


class ClassifierSettings(LabelSettings):
    """Settings of `classifier`."""

    engine: EngineName = Field(default="embedded", description="What runs the classifier.")
    model: str | None = Field(
        default=None,
        description="For `transformers` a folder or a name on the hub, for `onnx` a folder; for services the model's "
        "name, which FMS calls the detector's id.",
    )
    url: str | None = Field(default=None, description="Where a service is, without the path of its operation.")
    api_key_env_var: str | None = Field(
        default=None,
        description="The environment variable that holds its key; for OpenAI itself `OPENAI_API_KEY` unless set.",
    )
    names: tuple[str, ...] = Field(
        default=(), description="The names of the labels in their order, for services that answer with scores alone."
    )
    task: Literal["text", "tokens"] = Field(
        default="text", description="Whether the model classifies a text as a whole, or its tokens one by one."
    )
    exclusive: bool | None = Field(
        default=None,
        description="Whether the scores of a text add up to 1, so that those of several violations count together; "
        "what the model's own configuration or its answers show unless set.",
    )
    max_characters: Count | None = Field(
        default=None,
        description="Texts that are longer are judged in pieces that overlap by a quarter. Models in this process "
        "need no such limit, for they are given pieces of as many tokens as they take.",
    )
    input_name: str = Field(default="text", description="For `kserve`: the name of the model's input.")
    output_name: str | None = Field(
        default=None, description="For `kserve`: the output that has the scores; the only one with numbers unless set."
    )
    operation: Literal["classify", "pooling"] = Field(
        default="classify", description="For `vllm`: which of its operations is asked."
    )
    batch: BatchSettings = Field(
        default=BatchSettings(), description="How what many streams ask at once is gathered: `size`, `wait_ms`, "
        "`tokens`, `rest`, `pending`, `workers`."
    )  # fmt: skip

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return url.rstrip("/") if url is not None else None

    @model_validator(mode="after")
    def _fits_the_engine(self) -> Self:
        engine = self.engine
        local = engine in LOCAL
        if engine == "embedded" and (self.model or self.url or self.names):
            raise ValueError("engine 'embedded' takes no 'model', 'url' or 'names'; set 'engine' too")
        if local and (self.model is None or self.url is not None):
            raise ValueError(f"engine {engine!r} needs 'model' and takes no 'url'")
        if engine in ("tei", "kserve", "fms", "vllm") and self.url is None:
            raise ValueError(f"engine {engine!r} needs 'url'")
        if engine in ("vllm", "kserve", "fms") and self.model is None:
            raise ValueError(f"engine {engine!r} needs 'model'")
        if engine in ("vllm", "kserve") and not self.names:
            raise ValueError(f"engine {engine!r} answers with scores alone, so it needs 'names', in their order")
        if engine not in ("vllm", "kserve") and self.names:
            raise ValueError(f"engine {engine!r} names its labels, so it takes no 'names'")
        if self.task == "tokens" and not (local or (engine == "vllm" and self.operation == "pooling")):
            raise ValueError(f"task 'tokens' is not supported with engine {engine!r}")
        if not self.labels and engine not in ("embedded", "fms", "openai"):
            raise ValueError(f"engine {engine!r} needs 'labels': which of the model's labels are violations")
        return self


class NamedSettings(ClassifierSettings):
    """Settings of `toxicity classifier` and `injection classifier`: those of `classifier`, with an engine."""

    engine: EngineName = Field(description="What runs the classifier.")


class ModerationSettings(ClassifierSettings):
    """Settings of `moderation classifier`: those of `classifier`, for OpenAI's moderation endpoint."""

    engine: EngineName = Field(default="openai", description="What runs the classifier.")


class TokenSettings(LabelSettings):
    """Settings of `token classifier`."""

    model: str = Field(description="A folder, or a name on the hub: a causal model that classifies tokens.")
    max_tokens: Annotated[int, Field(ge=8, strict=True)] = Field(
        default=4096,
        description="How many tokens the model reads as one text, if it takes so many; longer texts are read in parts "
        "that overlap by a quarter.",
    )

    @model_validator(mode="after")
    def _has_labels(self) -> Self:
        if not self.labels:
            raise ValueError("'labels' is missing: which of the model's labels are violations")
        return self
