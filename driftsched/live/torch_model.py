"""Loads a model for the torch engine: from the hub, a folder, a GGUF file, or random."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from driftsched.core.errors import RunError
from driftsched.live.torch_options import TorchOptions
from driftsched.live.torch_text import PlainTokenizer, PromptEncoder, Tokenizer


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to generate: transformers' PreTrainedModel on its device.

    Attributes
    ----------
    tokenizer : Tokenizer
        Its own, or the built-in one of random models.
    name : str
        As the user named it, or the shape of the random one.
    end_tokens : list of int
        Tokens that end an answer; empty where answers have planned lengths.
    context_tokens : int
        Prompt and answer together at most.
    notes : tuple of str
        Plain sentences about it.
    """

    model: Any
    tokenizer: Tokenizer
    name: str
    end_tokens: list[int]
    context_tokens: int
    notes: tuple[str, ...] = ()

    @property
    def planned(self) -> bool:
        """Whether answers have the workload's lengths."""
        return not self.end_tokens


def load_model(options: TorchOptions) -> LoadedModel:
    """Load or make the model; takes seconds to minutes.

    Raises
    ------
    RunError
        One line: a library, a file or a device that is missing.
    """
    try:
        import torch
        import transformers
    except ImportError as error:
        raise RunError(
            f"the torch engine needs torch and transformers, which are not installed: {error}"
        ) from None
    device, dtype = _place(torch, options)
    _quiet(transformers)
    try:
        if options.model is None:
            return _random(torch, transformers, options, device, dtype)
        return _pretrained(transformers, options, device, dtype)
    except (OSError, ValueError, ImportError, RuntimeError) as error:
        what = options.model or "the random model"
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise RunError(f"{what} cannot be loaded: {lines[0]}") from error


def _quiet(transformers: Any) -> None:
    """No progress bars: they would go to a server's log."""
    transformers.utils.logging.disable_progress_bar()
    # Bars that are drawn nevertheless must not leave a watching thread behind.
    tqdm.monitor_interval = 0


def _place(torch: Any, options: TorchOptions) -> tuple[str, Any]:
    """Device and number format."""
    found = torch.cuda.is_available()
    device = options.device if options.device != "auto" else ("cuda" if found else "cpu")
    if device != "cpu" and not found:
        raise RunError(f"device must be cpu on a machine without a GPU torch can use, got {device}")
    automatic = "float32" if device == "cpu" else "bfloat16"
    return device, getattr(torch, options.dtype if options.dtype != "auto" else automatic)


def _random(
    torch: Any, transformers: Any, options: TorchOptions, device: str, dtype: Any
) -> LoadedModel:
    shape = options.random
    config = transformers.LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate or -(-8 * shape.hidden // 3 // 64) * 64,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads or shape.heads,
        max_position_embeddings=options.context_tokens,
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=0,
    )
    with torch.device(device), torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        model = transformers.AutoModelForCausalLM.from_config(
            config, dtype=dtype, **_attention(options)
        )
    size = sum(parameter.numel() for parameter in model.parameters()) / 1e6
    return LoadedModel(
        model=model.eval(),
        tokenizer=PlainTokenizer(shape.vocabulary),
        name=f"random Llama, {shape.layers} layers of {shape.hidden}, {size:.3g} M parameters",
        end_tokens=[],
        context_tokens=options.context_tokens,
        notes=(
            "The model is randomly initialised: answers are noise, and their lengths are those "
            "the workload drew, not the model's own.",
        ),
    )


def _pretrained(transformers: Any, options: TorchOptions, device: str, dtype: Any) -> LoadedModel:
    name = str(options.model)
    source: str | Path = name
    more: dict[str, Any] = {}
    if name.endswith(".gguf"):
        if not Path(name).is_file():
            raise RunError(f"model must be a GGUF file that exists, got {name}")
        source, more = Path(name).parent, {"gguf_file": Path(name).name}
    elif name.startswith(("/", ".", "~")) and not Path(name).is_dir():
        raise RunError(f"model must be a hub name or a folder that exists, got {name}")
    tokenizer = transformers.AutoTokenizer.from_pretrained(source, **more)
    model = transformers.AutoModelForCausalLM.from_pretrained(
        source, dtype=dtype, **more, **_attention(options)
    ).to(device)
    longest = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    context = min(options.context_tokens, longest or options.context_tokens)
    return LoadedModel(
        model=model.eval(),
        tokenizer=PromptEncoder(tokenizer),
        name=Path(name).stem if more else name,
        end_tokens=_end_tokens(model, tokenizer, name),
        context_tokens=context,
        notes=(
            "Sampling is seeded once for the whole engine: a repeated run gives the same answers "
            "only if its requests come to the engine in the same order.",
        ),
    )


def _end_tokens(model: Any, tokenizer: Any, name: str) -> list[int]:
    ends = model.generation_config.eos_token_id
    if ends is None:
        ends = tokenizer.eos_token_id
    if ends is None:
        raise RunError(f"{name} names no end-of-sequence token, so that no answer would end")
    return [int(end) for end in (ends if isinstance(ends, list | tuple) else [ends])]


def _attention(options: TorchOptions) -> dict[str, str]:
    return {} if options.attention == "auto" else {"attn_implementation": options.attention}
