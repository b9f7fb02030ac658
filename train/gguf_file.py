"""Writes the merged default model as one GGUF file, which llama.cpp and Ollama run.

The description of architecture and tokenizer is copied from the GGUF file in the default model's package; the tensors
are those of the merged model. Cost: some 20 seconds, and 250 MB of temporary space for the package's file.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from gguf import (
    GGML_QUANT_VERSION,
    MODEL_ARCH,
    MODEL_ARCH_NAMES,
    GGMLQuantizationType,
    GGUFReader,
    GGUFWriter,
    LlamaFileType,
    get_tensor_name_map,
)
from gguf.quants import quantize
from safetensors.torch import load_file
from unspin.infer.models.backbone import assemble_default
from unspin.infer.models.loading import weight_files

FILE = "model.gguf"
ARCHITECTURE = MODEL_ARCH.GEMMA3
SET_ANEW = {"general.architecture", "general.name", "general.file_type", "general.quantization_version"}


def write_gguf(merged: Path, folder: Path, precision: str) -> None:
    """Write ``model.gguf`` into a new folder. `precision` is that of the matrices: "BF16", "F32" or "Q8_0".

    Raises `ModelError` if the default model's package is not installed.
    """
    folder.mkdir()
    writer = GGUFWriter(folder / FILE, MODEL_ARCH_NAMES[ARCHITECTURE])
    writer.add_name("unspin")
    writer.add_file_type(LlamaFileType[f"ALL_{precision}" if precision == "F32" else f"MOSTLY_{precision}"])
    writer.add_quantization_version(GGML_QUANT_VERSION)
    layers = _copy_description(writer, folder)
    _add_tensors(writer, merged, layers, GGMLQuantizationType[precision])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _copy_description(writer: GGUFWriter, folder: Path) -> int:
    """Copy what the packaged file says of architecture and tokenizer. Returns the number of layers."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        fields = GGUFReader(assemble_default(Path(scratch) / FILE)).fields
        for name, field in fields.items():
            if not name.startswith("GGUF.") and name not in SET_ANEW:
                kind, *element = field.types
                writer.add_key_value(name, field.contents(), kind, element[-1] if element else None)
        return int(fields[f"{MODEL_ARCH_NAMES[ARCHITECTURE]}.block_count"].contents())


def _add_tensors(writer: GGUFWriter, merged: Path, layers: int, kind: GGMLQuantizationType) -> None:
    names = get_tensor_name_map(ARCHITECTURE, layers)
    for file in weight_files(merged):
        for name, tensor in load_file(file).items():
            values = tensor.float().numpy()
            target = f"{names[name.removesuffix('.weight')]}.weight"
            if values.ndim == 1:  # norms: llama.cpp expects the 1 to be in them that transformers adds in each pass
                writer.add_tensor(target, values + 1)
            else:
                writer.add_tensor(target, quantize(values, kind), raw_dtype=kind)
