"""A language model of a few kilobytes as a Hugging Face folder: random weights, one layer, 262 tokens."""

import json
import struct
from pathlib import Path

import numpy as np

WIDTH, HEADS, HIDDEN, LAYERS = 256, 4, 256, 1
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def write_tiny_model(folder: Path, *, seed: int = 1) -> Path:
    """Write config.json, tokenizer files and model.safetensors of a Qwen 2 into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = [*_byte_tokens(), "Ġa", "Ġthe", "in"]
    size = len(vocabulary) + len(SPECIAL)
    config = {
        "architectures": ["Qwen2ForCausalLM"],
        "model_type": "qwen2",
        "hidden_size": WIDTH,
        "intermediate_size": HIDDEN,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": HEADS,
        "max_position_embeddings": 2048,
        "rms_norm_eps": 1e-6,
        "rope_theta": 1000000.0,
        "vocab_size": size,
        "bos_token_id": size - 3,
        "eos_token_id": size - 1,
        "torch_dtype": "float16",
    }
    tokenizer = {
        "version": "1.0",
        "added_tokens": [
            {"id": len(vocabulary) + at, "content": token, "special": True}
            for at, token in enumerate(SPECIAL)
        ],
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": []},
        "model": {
            "type": "BPE",
            "vocab": {token: at for at, token in enumerate(vocabulary)},
            "merges": ["Ġ a", "i n"],
        },
    }
    _write(folder / "config.json", config)
    _write(folder / "generation_config.json", {"eos_token_id": size - 1})
    _write(folder / "tokenizer.json", tokenizer)
    _write(
        folder / "tokenizer_config.json",
        {"bos_token": "<|endoftext|>", "eos_token": "<|im_end|>", "add_bos_token": False},
    )
    (folder / "model.safetensors").write_bytes(_safetensors(_tensors(size), seed))
    return folder


def _byte_tokens() -> list[str]:
    """GPT-2's letters for the 256 bytes, in the order of the bytes."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    return [chr(byte if byte in printable else next(others)) for byte in range(256)]


def _tensors(vocabulary: int) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (vocabulary, WIDTH),
        "lm_head.weight": (vocabulary, WIDTH),
        "model.norm.weight": (WIDTH,),
    }
    for layer in range(LAYERS):
        name = f"model.layers.{layer}"
        shapes |= {f"{name}.self_attn.{part}_proj.weight": (WIDTH, WIDTH) for part in "qkvo"}
        shapes |= {f"{name}.self_attn.{part}_proj.bias": (WIDTH,) for part in "qkv"}
        shapes |= {f"{name}.mlp.{part}_proj.weight": (HIDDEN, WIDTH) for part in ("gate", "up")}
        shapes |= {
            f"{name}.mlp.down_proj.weight": (WIDTH, HIDDEN),
            f"{name}.input_layernorm.weight": (WIDTH,),
            f"{name}.post_attention_layernorm.weight": (WIDTH,),
        }
    return shapes


def _safetensors(shapes: dict[str, tuple[int, ...]], seed: int) -> bytes:
    random = np.random.default_rng(seed)
    header: dict[str, object] = {}
    data = bytearray()
    for name, shape in shapes.items():
        values = random.normal(scale=0.05, size=shape).astype("<f2").tobytes()
        header[name] = {
            "dtype": "F16", "shape": list(shape), "data_offsets": [len(data), len(data) + len(values)],
        }  # fmt: skip
        data += values
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(data)


def _write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
