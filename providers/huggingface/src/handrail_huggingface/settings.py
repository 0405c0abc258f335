"""What a configuration may write under `parameters` of a model with the engine `huggingface`."""

from __future__ import annotations

from typing import Any, Self

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator

from handrail_huggingface._parameters import is_known, suggestion


class HuggingFaceSettings(BaseModel):
    """Where the model comes from, how it is loaded, how many may use it; anything else is a generation parameter.

    Attributes:
        path: the folder or hub name, if it does not stand in `model`. `model_id` means the same.
        device: "cpu", "cuda", "cuda:1", "mps", a number, or "auto" to spread the model; by default what there is.
        dtype: "auto" for the one it was saved in, or "float32", "bfloat16", "float16". `torch_dtype` means the same.
        revision: which version on the hub.
        tokenizer: folder or hub name of the tokenizer, if it is not beside the model.
        chat_template: a Jinja template, or the name of a file with one.
        chat_template_kwargs: variables for it, such as `enable_thinking`.
        trust_remote_code: run code that comes with the model.
        preload: load the model when the configuration is loaded instead of at first use.
        max_tokens: the longest answer, in tokens. `max_new_tokens` means the same.
        max_concurrency: how many texts the model writes at once.
        max_waiting: how many streams may wait for their turn; more are refused.
        max_pending: how many chunks the model may be ahead of the reader.
        threads: threads that PyTorch uses for one operation, for the whole process.
        reasoning_tags: what stands before and after the reasoning, if the chat template does not tell.
        tool_call_tags: what stands before and after a tool call, if the chat template does not tell.
        model_kwargs: further arguments for loading the model, such as `attn_implementation`.
        pipeline_kwargs: generation parameters, for configurations that write them here.
    """

    model_config = ConfigDict(extra="allow", frozen=True, validate_by_name=True, protected_namespaces=())

    path: str | None = Field(default=None, validation_alias=AliasChoices("path", "model_id"))
    device: str | int | None = None
    dtype: str = Field(default="auto", validation_alias=AliasChoices("dtype", "torch_dtype"))
    revision: str | None = None
    tokenizer: str | None = None
    chat_template: str | None = None
    chat_template_kwargs: dict[str, Any] = {}
    trust_remote_code: bool = False
    preload: bool = False
    max_tokens: int = Field(
        default=512, ge=1, validation_alias=AliasChoices("max_tokens", "max_new_tokens", "max_completion_tokens")
    )
    max_concurrency: int = Field(default=1, ge=1)
    max_waiting: int = Field(default=16, ge=0)
    max_pending: int = Field(default=32, ge=1)
    threads: int | None = Field(default=None, ge=1)
    reasoning_tags: tuple[str, str] | None = None
    tool_call_tags: tuple[str, str] | None = None
    model_kwargs: dict[str, Any] = {}
    pipeline_kwargs: dict[str, Any] = {}

    @model_validator(mode="after")
    def _extras_are_parameters(self) -> Self:
        for name in {**self.pipeline_kwargs, **(self.model_extra or {})}:
            if not is_known(name):
                raise ValueError(f"unknown parameter {name!r}{suggestion(name)}")
        return self

    @property
    def generation(self) -> dict[str, Any]:
        """The generation parameters for every call."""
        given = {"max_new_tokens": self.max_tokens, "chat_template_kwargs": self.chat_template_kwargs}
        return {**given, **self.pipeline_kwargs, **(self.model_extra or {})}
